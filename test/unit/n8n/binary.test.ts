import { Readable } from 'node:stream';
import type { IExecuteFunctions } from 'n8n-workflow';
import { idAfter, isFile, lastingId, stored } from '../../../nodes/shared/n8n/binary';

/** A store that gives its file in chunks of these lengths, whatever is asked for, as S3 does. */
function storeOf(content: Buffer, ...lengths: number[]) {
	let start = 0;
	const chunks = lengths.map((length) => content.subarray(start, (start += length)));
	const helpers = {
		getBinaryMetadata: async () => await Promise.resolve({ fileSize: content.length }),
		getBinaryStream: async () => await Promise.resolve(Readable.from(chunks)),
	};
	return { helpers } as unknown as IExecuteFunctions;
}

test.each([[[64]], [[3, 1, 60]], [[32, 32]], [[20]], [[]]])(
	'the head of a file that comes in chunks of %j bytes',
	async (lengths) => {
		const content = Buffer.from(Array.from({ length: 64 }, (_, index) => index));
		const file = await stored(storeOf(content, ...lengths), 's3:x', 'Video');
		const sent = lengths.reduce((sum, length) => sum + length, 0);
		expect([...(await file.head(32))]).toEqual([...content.subarray(0, Math.min(32, sent))]);
	},
);

test('a file that n8n renames when its execution ends is the same file', () => {
	const id = (execution: string) =>
		`filesystem-v2:workflows/w/executions/${execution}/binary_data/5e9c-${'0'.repeat(12)}`;
	expect(lastingId(id('temp'))).toBe(lastingId(id('41')));
	expect(lastingId(id('temp'))).toContain('5e9c');
	expect(idAfter('41', id('temp'))).toBe(id('41'));
	expect(idAfter('41', id('7'))).toBe(id('7'));
	for (const other of ['database:5e9c', 's3:x', 'filesystem:7a']) {
		expect([lastingId(other), idAfter('41', other)]).toEqual([other, other]);
	}
});

test.each([
	[{ mimeType: 'video/mp4', data: 'AAAA' }, true],
	[{ mimeType: 'video/mp4', data: 'filesystem-v2', id: 'filesystem-v2:workflows/w/f' }, true],
	// What the node of a file storage tells of a file, without its content.
	[{ mimeType: 'video/mp4', id: '1AbC', name: 'ride.mp4' }, false],
	[{ mimeType: 'video/mp4' }, false],
	['data', false],
])('%j is a file of n8n: %s', (value, expected) => {
	expect(isFile(value)).toBe(expected);
});
