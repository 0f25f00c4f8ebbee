// What a measurement comes to, for people and for programs.
import { spreadOf } from './statistics';

export interface Cell {
	/** As the table shows it. */
	text: string;
	/** What was measured, where it is one number. */
	value?: number;
}

export interface Row {
	label: string;
	cells: Cell[];
}

/** Bars: a group for each label, a bar in it for each series. */
export interface Chart {
	name: string;
	title: string;
	/** Of the values, such as "seconds". */
	unit: string;
	groups: string[];
	series: Array<{ name: string; values: Array<number | undefined> }>;
}

export interface Target {
	what: string;
	limit: number;
	actual: number;
	unit: string;
	met: boolean;
}

export interface Figure {
	title: string;
	/** Headings of the cells. */
	columns: string[];
	rows: Row[];
	/** How it was measured. */
	notes: string[];
	charts?: Chart[];
	targets?: Target[];
	/** The single values behind the cells. */
	raw?: unknown;
}

/** Dashes where nothing could be measured. */
export const NONE: Cell = { text: '–' };

export const words = (text: string): Cell => ({ text });

/** A dash where it is no finite number. */
export function number(value: number, digits: number, unit = ''): Cell {
	if (!Number.isFinite(value)) return NONE;
	const text = value.toFixed(digits);
	return { text: unit === '' ? text : `${text} ${unit}`, value };
}

/** Met up to its limit; what could not be measured is not met. */
export const target = (what: string, limit: number, actual: number, unit = ''): Target => ({
	what,
	limit,
	actual,
	unit,
	met: actual <= limit,
});

/** Median and highest. */
export function range(values: readonly number[] | undefined): Cell {
	if (values === undefined) return NONE;
	const { median, most } = spreadOf(values);
	return { text: `${median.toFixed(1)} / ${most.toFixed(1)}`, value: median };
}
