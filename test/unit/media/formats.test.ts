import { HEAD_BYTES, detectFormat } from '../../../nodes/shared/media/formats';

const bytes = (text: string) => Buffer.from(text, 'latin1');

/** The first box of an ISO base media file of this brand. */
const ftyp = (brand: string) => bytes(`\0\0\0\x18ftyp${brand}\0\0\x02\0isommp42`);

const riff = (kind: string) => bytes(`RIFF\x24\x08\0\0${kind}fmt \x10\0\0\0\x01\0\x02\0`);

const bmp = bytes('BM\x36\x0c\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x20\0\0\0\x20\0\0\0');

const MP4 = { kind: 'video', extension: 'mp4', mimeType: 'video/mp4' };
const MOV = { kind: 'video', extension: 'mov', mimeType: 'video/quicktime' };
const JPEG = { kind: 'image', extension: 'jpg', mimeType: 'image/jpeg' };
const PNG = { kind: 'image', extension: 'png', mimeType: 'image/png' };
const BMP = { kind: 'image', extension: 'bmp', mimeType: 'image/bmp' };
const WEBP = { kind: 'image', extension: 'webp', mimeType: 'image/webp' };

describe('formats that DashScope takes are known by their first bytes', () => {
	test.each([
		['MP4 of ffmpeg', ftyp('isom'), MP4],
		['MP4 version 2', ftyp('mp42'), MP4],
		['MP4 version 1', ftyp('mp41'), MP4],
		['MP4 with H.264', ftyp('avc1'), MP4],
		['MP4 in fragments', ftyp('iso5'), MP4],
		['MP4 of DASH', ftyp('dash'), MP4],
		['MP4 of Apple (M4V)', ftyp('M4V '), MP4],
		['MP4 of Sony', ftyp('MSNV'), MP4],
		['MOV', ftyp('qt  '), MOV],
		['MOV without ftyp, index first', bytes('\0\0\x1a\x2bmoov\0\0\0\x6cmvhd'), MOV],
		['MOV without ftyp, data first', bytes('\0\x10\0\0mdat\0\0\0\0'), MOV],
		['MOV without ftyp, padding first', bytes('\0\0\0\x08wide\0\x10\0\0mdat'), MOV],
		['MOV with free space first', bytes('\0\0\0\x08free\0\x10\0\0mdat'), MOV],
		['MOV with skipped space first', bytes('\0\x02\0\0skip\0\0\0\0'), MOV],
		['MOV with a preview first', bytes('\0\0\0\x14pnot\0\0\0\0'), MOV],
		['JPEG with JFIF', bytes('\xff\xd8\xff\xe0\0\x10JFIF\0'), JPEG],
		['JPEG with Exif', bytes('\xff\xd8\xff\xe1\x1c\x45Exif\0\0'), JPEG],
		['JPEG without either', bytes('\xff\xd8\xff\xdb\0\x43'), JPEG],
		['PNG', bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), PNG],
		['BMP', bmp, BMP],
		['WEBP', riff('WEBP'), WEBP],
	])('%s', (_name, head, expected) => {
		expect(detectFormat(head)).toEqual(expected);
	});

	test('only the beginning counts, however much is given', () => {
		expect(detectFormat(Buffer.concat([ftyp('isom'), Buffer.alloc(100_000, '<html>')]))).toEqual(
			MP4,
		);
	});

	test('the beginning that is looked at is enough for every format', () => {
		for (const head of [ftyp('isom'), bmp, riff('WEBP')]) {
			const padded = Buffer.concat([head, Buffer.alloc(HEAD_BYTES)]);
			expect(detectFormat(padded.subarray(0, HEAD_BYTES))).toEqual(detectFormat(head));
		}
	});
});

describe('other files are named by what they are', () => {
	test.each([
		['HEIC', ftyp('heic'), 'an HEIC picture'],
		['HEIF', ftyp('mif1'), 'an HEIC picture'],
		['HEIF sequence', ftyp('msf1'), 'an HEIC picture'],
		['AVIF', ftyp('avif'), 'an AVIF picture'],
		['AVIF sequence', ftyp('avis'), 'an AVIF picture'],
		['M4A', ftyp('M4A '), 'an M4A audio file'],
		['M4B', ftyp('M4B '), 'an M4A audio file'],
		['3GP', ftyp('3gp5'), 'a 3GP video'],
		['3G2', ftyp('3g2a'), 'a 3GP video'],
		['CR3', ftyp('crx '), 'a raw photo'],
		['GIF 87a', bytes('GIF87a\x01\0\x01\0'), 'a GIF'],
		['GIF 89a', bytes('GIF89a\x01\0\x01\0'), 'a GIF'],
		['PDF', bytes('%PDF-1.7\n'), 'a PDF document'],
		['ZIP', bytes('PK\x03\x04\x14\0'), 'a ZIP or Office file'],
		['WebM', bytes('\x1aE\xdf\xa3\x9fB\x86\x81\x01'), 'a WebM or MKV video'],
		['AVI', riff('AVI '), 'an AVI video'],
		['WAV', riff('WAVE'), 'a WAV audio file'],
		['FLV', bytes('FLV\x01\x05\0\0\0\x09'), 'an FLV video'],
		['MP3', bytes('ID3\x04\0\0'), 'an MP3 audio file'],
		['Ogg', bytes('OggS\0\x02'), 'an Ogg file'],
		['TIFF, little end first', bytes('II*\0\x08\0\0\0'), 'a TIFF picture'],
		['TIFF, big end first', bytes('MM\0*\0\0\0\x08'), 'a TIFF picture'],
		['JSON', bytes('{"code":"InvalidApiKey"}'), 'a JSON text'],
		['JSON after a line break', bytes('\n  {"a":1}'), 'a JSON text'],
		['HTML', bytes('<!doctype html>'), 'a web page or XML text'],
		['SVG after a line break', bytes('\r\n<svg xmlns='), 'a web page or XML text'],
		['an empty file', new Uint8Array(), 'an empty file'],
		['noise', bytes('\x00\x01\x02\x03\x04\x05\x06\x07\x08'), 'a file of an unknown kind'],
		['a text with a box in it', bytes('For free'), 'a file of an unknown kind'],
		['a text with another', bytes('You skip this'), 'a file of an unknown kind'],
		['a plain text', bytes('Hello, world'), 'a file of an unknown kind'],
		['one byte', bytes('B'), 'a file of an unknown kind'],
		['a text that begins like a BMP', bytes('BM is short'), 'a file of an unknown kind'],
		['a RIFF of another kind', riff('CDDA'), 'a file of an unknown kind'],
		['half the signature of a PNG', bytes('\x89PNG'), 'a file of an unknown kind'],
	])('%s', (_name, head, expected) => {
		expect(detectFormat(head)).toBe(expected);
	});
});
