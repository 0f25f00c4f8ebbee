/**
 * What decoders are told about a track, and samples that this package makes itself. ISO/IEC 14496-15, 14496-1 and
 * 14496-3.
 */
import { Fields, boxesIn, concat, find, u32 } from './boxes';
import { damaged } from './source';
import type { Track } from './tracks';

/** The 78 bytes of a VisualSampleEntry after its header, 12.1.3. */
const ENTRY_BYTES = 86;

/** How the units of pictures are packed into samples. */
export interface Packing {
	codec: 'h264' | 'h265';
	/** Bytes of the length before each unit. */
	lengthBytes: number;
	/** The content of avcC or hvcC. */
	config: Uint8Array;
}

/**
 * How pictures of a sample entry are packed.
 * @returns undefined for codecs other than H.264 and H.265
 * @throws ClipError for an entry that is cut off
 */
export function packingOf(entry: Uint8Array): Packing | undefined {
	if (entry.length < ENTRY_BYTES) throw damaged('the description of its video is too short');
	for (const { type, content } of boxesIn(entry.subarray(ENTRY_BYTES), 'stsd')) {
		const at = type === 'avcC' ? 4 : type === 'hvcC' ? 21 : undefined;
		const byte = at === undefined ? undefined : content[at];
		if (byte === undefined) continue;
		const codec = type === 'avcC' ? 'h264' : 'h265';
		return { codec, lengthBytes: (byte & 3) + 1, config: content };
	}
	return undefined;
}

/**
 * Width and height of the coded pictures in pixels, from a sample entry (12.1.3).
 * @throws ClipError for one that is cut off
 */
export function pictureSize(entry: Uint8Array): { width: number; height: number } {
	const fields = new Fields({ type: 'stsd', content: entry });
	fields.skip(32);
	return { width: fields.u16(), height: fields.u16() };
}

/**
 * The parameter sets of a sample entry as they can stand before a picture. Players that know only the first of
 * several sample descriptions (Chromium) find those of the others this way.
 * @throws ClipError where the units are of another type than they should be
 */
export function parameterSets(entry: Uint8Array): Uint8Array {
	const packing = packingOf(entry);
	if (packing === undefined) return new Uint8Array();
	const { codec, config, lengthBytes } = packing;
	const fields = new Fields({ type: 'config', content: config });
	const units: Uint8Array[] = [];
	const take = (count: number, type: number) => {
		for (let index = 0; index < count; index++) {
			const unit = fields.bytes(fields.u16());
			const [first = 0] = unit;
			if ((codec === 'h264' ? first & 31 : (first >> 1) & 63) !== type) {
				throw damaged('the parameter sets of its video are something else');
			}
			units.push(u32(unit.length).subarray(4 - lengthBytes), unit);
		}
	};
	if (fields.u8() !== 1) throw damaged('the parameter sets of its video are of an unknown version');
	if (codec === 'h264') {
		fields.skip(4);
		take(fields.u8() & 31, 7);
		take(fields.u8(), 8);
	} else {
		fields.skip(21);
		for (let arrays = fields.u8(); arrays > 0; arrays--) {
			const type = fields.u8() & 63;
			take(fields.u16(), type);
		}
	}
	return concat(units);
}

/** What two tracks of sound must have in common to be played as one. Bit rates, which esds has too, do not count. */
export function soundFormat({ codec, descriptions: [entry] }: Track): string {
	const content = entry ?? new Uint8Array();
	const config = aacConfig(content);
	if (config === undefined) return [codec, ...content].join(' ');
	return [codec, ...content.subarray(24, 26), ...content.subarray(32, 36), 'aac', ...config].join(
		' ',
	);
}

/** For messages: kind, channels and samples per second. */
export function describeSound({ codec, descriptions: [entry] }: Track): string {
	const fields = new Fields({ type: codec, content: entry ?? new Uint8Array() });
	fields.skip(24);
	const channels = fields.u16();
	fields.skip(6);
	return `${codec}, ${channels} channel${channels === 1 ? '' : 's'}, ${fields.u16()} Hz`;
}

/** Lower ones are none: QuickTime's version 2 of the entry has a constant in the rate's place. */
const LEAST_RATE = 4000;

/** Samples per second by a sample entry of sound (12.2.3); undefined where it does not tell them, as above 65,535. */
export function sampleRateOf(entry: Uint8Array): number | undefined {
	const [high = 0, low = 0] = entry.subarray(32, 34);
	const rate = high * 256 + low;
	return rate < LEAST_RATE ? undefined : rate;
}

/** Bits of a value, by the codecs of uncompressed sound (QuickTime File Format); 0 where the entry says it. */
const VALUE_BITS = new Map([
	['raw ', 0],
	['NONE', 0],
	['twos', 0],
	['sowt', 0],
	['ipcm', 0],
	['fpcm', 0],
	['in24', 24],
	['in32', 32],
	['fl32', 32],
	['fl64', 64],
	['ulaw', 8],
	['alaw', 8],
]);

/**
 * Bytes of a frame, one value for each channel, of uncompressed sound.
 * @returns undefined for other sound
 * @throws ClipError for an entry that is cut off
 */
export function frameBytesOf(entry: Uint8Array): number | undefined {
	const fields = new Fields({ type: 'stsd', content: entry });
	fields.skip(4);
	const codec = fields.text(4);
	fields.skip(8);
	const version = fields.u16();
	fields.skip(6);
	const channels = fields.u16();
	const bits = fields.u16();
	let bytes = (channels * (VALUE_BITS.get(codec) || bits)) / 8;
	let isKnown = VALUE_BITS.has(codec);
	if (version === 2) {
		// What the other versions have, then size, rate, channels, a constant, bits and flags; bytes and frames of a packet.
		fields.skip(36);
		bytes = fields.u32();
		isKnown = fields.u32() === 1;
	}
	return isKnown && bytes > 0 && Number.isInteger(bytes) ? bytes : undefined;
}

/** The AudioSpecificConfig of a sample entry; undefined where it is not AAC. */
function aacConfig(entry: Uint8Array): Uint8Array | undefined {
	const version = new Fields({ type: 'stsd', content: entry.subarray(16) }).u16();
	// QuickTime's versions 1 and 2 have more fields before the boxes.
	const children = entry.subarray(version === 0 ? 36 : version === 1 ? 52 : 72);
	const parent = { type: 'stsd', content: children };
	const esds = find(parent, 'esds') ?? find(parent, 'wave', 'esds');
	if (esds === undefined) return undefined;
	const fields = new Fields(esds);
	fields.skip(4);
	while (fields.left > 2) {
		const tag = fields.u8();
		const length = descriptorLength(fields);
		// ES_Descriptor, DecoderConfigDescriptor, DecoderSpecificInfo lie in one another (14496-1 7.2.6).
		if (tag === 3) fields.skip(3);
		else if (tag === 4) {
			// 0x40: MPEG-4 audio.
			if (fields.u8() !== 0x40) return undefined;
			fields.skip(12);
		} else if (tag === 5) return withoutNote(fields.bytes(length));
		else return undefined;
	}
	return undefined;
}

/** The length of a descriptor, 7 bits in a byte, as long as its highest bit is set (14496-1 8.3.3). */
function descriptorLength(fields: Fields): number {
	let [length, byte] = [0, 128];
	while (byte >= 128) {
		byte = fields.u8();
		length = (length * 128 + (byte & 127)) % 2 ** 28;
	}
	return length;
}

/**
 * A config without what some encoders (ffmpeg) add, and others do not: that there is no SBR. By 14496-3 1.6.6.1 the bits
 * 0x2b7, object type 5 and a flag of 0.
 */
function withoutNote(config: Uint8Array): Uint8Array {
	const [high, low, flag] = config.subarray(-3);
	const isNote = config.length > 3 && high === 0x56 && low === 0xe5 && flag === 0;
	return isNote ? config.subarray(0, -3) : config;
}

/** Samples per second by index, 14496-3 1.6.3.4. */
const RATES = [
	96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];

/**
 * A packet of silence in AAC LC, mono or stereo; undefined for other formats. By 14496-3 4.4.2: an element without
 * any scale factor bands (max_sfb 0) has no data but its headers, then ID_END.
 */
export function silence({ descriptions: [entry], timescale }: Track) {
	const [high = 0, low = 0] = aacConfig(entry ?? new Uint8Array()) ?? [];
	const rate = RATES[((high & 7) << 1) | (low >> 7)];
	const channels = (low >> 3) & 15;
	const duration = Math.round((1024 * timescale) / (rate ?? Infinity));
	// Object type 2; frames of 1024 samples.
	const isSimple = high >> 3 === 2 && (low & 4) === 0 && (channels === 1 || channels === 2);
	if (!isSimple || duration === 0) return undefined;
	const prefix =
		channels === 1 ? Uint8Array.of(0, 0, 0, 7) : Uint8Array.of(0x20, 0, 0, 0, 0, 0, 0x0e);
	return { prefix, duration, size: 0, sync: true, description: 0 };
}
