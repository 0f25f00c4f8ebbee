// Charts as SVG, drawn without a browser.
import { init } from 'echarts';
import type { Chart } from './figure';

const WIDTH = 900;
const HEIGHT = 340;

/** Room for the names. */
const LEGEND = 230;

/** Told apart by people who see few colours, too (Okabe and Ito). */
const COLOURS = ['#0072b2', '#56b4e9', '#d55e00', '#e69f00', '#999999', '#009e73'];

export function svgOf({ title, unit, groups, series }: Chart): string {
	const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
	chart.setOption({
		animation: false,
		backgroundColor: '#ffffff',
		color: COLOURS,
		title: { text: title, left: 'center', textStyle: { fontSize: 15 } },
		// One below the other: without a browser nothing knows how wide a text is.
		legend: {
			orient: 'vertical',
			left: WIDTH - LEGEND,
			top: 'middle',
			itemWidth: 14,
			textStyle: { fontSize: 11 },
			data: series.map(({ name }) => name),
		},
		grid: { left: 60, right: LEGEND + 20, top: 50, bottom: 30 },
		xAxis: { type: 'category', data: groups },
		yAxis: { type: 'value', name: unit, nameLocation: 'end' },
		series: series.map(({ name, values }) => ({
			name,
			type: 'bar',
			data: values.map((value) =>
				value === undefined || !Number.isFinite(value) ? '-' : Math.round(value * 1_000) / 1_000,
			),
			label: { show: true, position: 'top', fontSize: 10, formatter: label },
		})),
	});
	const svg = chart.renderToSVGString();
	chart.dispose();
	return svg;
}

function label({ value }: { value?: unknown }): string {
	if (typeof value !== 'number') return '';
	return value >= 100 ? value.toFixed(0) : String(Math.round(value * 100) / 100);
}
