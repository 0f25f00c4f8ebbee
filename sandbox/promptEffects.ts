import { even, type Size } from './sizes';

// Which visible change a prompt asks for. Only so much understanding that a person who
// looks at the result sees that the instruction arrived.

export interface Effect {
	name: string;
	/** A chain of ffmpeg filters that keeps the size. */
	filter: string;
}

interface Rule {
	name: string;
	words: RegExp;
	filter: (size: Size) => string;
}

const RULES: readonly Rule[] = [
	{
		name: 'pixelate',
		words: /\b8[ -]?bits?\b|\bpixel|\bretro game|像素/i,
		filter: ({ width, height }) => {
			const block = Math.max(8, Math.round(Math.min(width, height) / 60));
			const small = `${even(width / block)}:${even(height / block)}`;
			// Four levels per colour, like an old game console.
			const level = 'bitand(val,192)*1.33';
			return (
				`scale=${small}:flags=area,eq=saturation=1.5,format=rgb24,` +
				`lutrgb=r='${level}':g='${level}':b='${level}',scale=${width}:${height}:flags=neighbor`
			);
		},
	},
	{
		name: 'grey',
		words: /black[- ]and[- ]white|\bb&w\b|gr[ae]y ?scale|monochrome|\bnoir\b|黑白|灰度/i,
		filter: () => 'hue=s=0,eq=contrast=1.2',
	},
	{
		name: 'clay',
		words: /\bclay|stop[- ]motion|黏土|粘土/i,
		// Twelve pictures a second, soft surfaces, strong colours.
		filter: () => 'fps=12,boxblur=6:2,eq=saturation=1.8:contrast=1.25,unsharp=9:9:1.5',
	},
	{
		name: 'sketch',
		words: /\bsketch|\bpencil|line art|素描|线稿/i,
		filter: () => 'edgedetect=low=0.05:high=0.15,negate,hue=s=0',
	},
	{
		name: 'cartoon',
		words: /cartoon|\banime\b|\bcomic|\bmanga\b|\bedges?\b|卡通|动漫|漫画/i,
		// Flat, strong colours in few steps.
		filter: () => "boxblur=2:1,eq=saturation=2.2:contrast=1.2,lutyuv=y='bitand(val,208)+24'",
	},
	{
		name: 'sepia',
		words: /\bsepia\b|\bvintage\b|old (?:film|movie|photo)|怀旧|复古/i,
		filter: () =>
			'colorchannelmixer=.393:.769:.189:0:.349:.686:.168:0:.272:.534:.131,' +
			'noise=alls=14:allf=t,vignette=PI/4',
	},
	{
		name: 'night',
		words: /\bnight|\bdark\b|moonlight|midnight|夜/i,
		filter: () =>
			'eq=brightness=-0.18:saturation=0.55:gamma=0.75,colorbalance=rs=-.2:bs=.3:bm=.15,vignette=PI/4',
	},
	{
		name: 'snow',
		words: /\bsnow|\bwinter|\bice\b|\bfrozen\b|雪|冬/i,
		filter: () => 'eq=brightness=0.2:saturation=0.35:contrast=0.9,colorbalance=rs=-.1:bs=.3:bm=.15',
	},
	{
		name: 'autumn',
		words: /\bautumn|\bsunset|golden hour|\bwarm\b|秋|日落|黄昏/i,
		filter: () => 'eq=saturation=1.3,colorbalance=rs=.3:rm=.25:gm=.05:bs=-.3:bm=-.3:bh=-.2',
	},
	{
		name: 'blur',
		words: /\bblur|\bfog|\bmist\b|\bdream|out of focus|模糊|雾|梦幻/i,
		filter: ({ width, height }) => {
			const radius = Math.max(4, Math.round(Math.min(width, height) / 60));
			return `boxblur=${radius}:2`;
		},
	},
	{
		name: 'negative',
		words: /\bnegative film\b|\binvert|\bx-?ray\b|反色|负片/i,
		filter: () => 'negate',
	},
];

/** The same prompt always gives the same angle; different prompts mostly differ. */
function hueAngle(prompt: string): number {
	let hash = 7;
	for (const character of prompt) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
	return 60 + (hash % 240);
}

export function effectFor(prompt: string, size: Size): Effect {
	const rule = RULES.find(({ words }) => words.test(prompt));
	if (rule !== undefined) return { name: rule.name, filter: rule.filter(size) };
	// Warmer, so that the change is visible in grey pictures too. Both filters take the video's own colour format: a
	// detour over RGB would be a third of the render.
	const filter = `hue=h=${hueAngle(prompt)}:s=1.2,lutyuv=u=val-12:v=val+12`;
	return { name: 'hue', filter };
}
