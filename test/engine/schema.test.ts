import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv';
import type { SchemaObject } from 'ajv';
import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { resolveOutputSchemaPath } from 'n8n-core/dist/nodes-loader/output-schema-resolver';
import { WanVideoEdit } from '../../nodes/WanVideoEdit/WanVideoEdit.node';
import { runFfmpeg } from '../../sandbox/programs';
import { modelId, only, useBench } from './bench';

// The schemas by which n8n shows the fields of an operation's output before its first run: what is shipped, against what
// the operations really return.

const bench = useBench();

let folder = '';
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'schema-'));
});
afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

const NODE_DIR = join(__dirname, '../../dist/nodes/WanVideoEdit');

/** Found as n8n finds it. */
function schemaOf(resource: string, operation: string): SchemaObject {
	const path = resolveOutputSchemaPath({ nodeDir: NODE_DIR, version: 1, resource, operation });
	return JSON.parse(readFileSync(path ?? '', 'utf8')) as SchemaObject;
}

/** What only an item has whose video was edited in pieces; that always comes from a file. */
const IN_PIECES = ['taskIds', 'joined', 'pieces', 'fileName'];

/** The same, without room for keys that it does not name, and with all of them but some of the outermost. */
function strict(
	{ properties, items, ...schema }: SchemaObject,
	without: string[] = [],
): SchemaObject {
	if (items !== undefined) return { ...schema, items: strict(items as SchemaObject) };
	if (properties === undefined) return schema;
	const all = Object.entries(properties as Record<string, SchemaObject>).filter(
		([name]) => !without.includes(name),
	);
	return {
		...schema,
		properties: Object.fromEntries(all.map(([name, one]) => [name, strict(one)])),
		required: all.map(([name]) => name),
		additionalProperties: false,
	};
}

/** What is wrong with an output. */
function faults(
	resource: string,
	operation: string,
	json: IDataObject,
	without: string[] = [],
): string[] {
	const { version, ...schema } = schemaOf(resource, operation);
	expect(version).toBe(1);
	const validate = new Ajv({ allErrors: true }).compile(strict(schema, without));
	return validate(json)
		? []
		: (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const operations = new WanVideoEdit().description.properties
	.filter(({ name }) => name === 'operation')
	.flatMap(({ displayOptions, options = [] }) =>
		options.flatMap((option) =>
			'value' in option
				? [[String(displayOptions?.show?.resource?.[0]), String(option.value)] as const]
				: [],
		),
	);

test('every operation has one, and each is of an operation', () => {
	const shipped = readdirSync(join(NODE_DIR, '__schema__/v1.0.0'), { recursive: true })
		.map((path) => String(path).replaceAll('\\', '/'))
		.filter((path) => path.endsWith('.json'));

	expect(operations.length).toBeGreaterThan(14);
	expect(shipped.sort()).toEqual(operations.map((pair) => `${pair.join('/')}.json`).sort());
});

const making = operations.filter(
	([resource, operation]) =>
		resource === 'video' && !['estimateCost', 'split', 'join'].includes(operation),
);

const takesLong = (operation: string) =>
	new WanVideoEdit().description.properties.some(
		({ name, displayOptions }) =>
			name === 'longVideo' && displayOptions?.show?.operation?.includes(operation),
	);

/** All that a run of the node returns. */
async function outputOf(fields: INodeParameters, json: IDataObject = {}) {
	const { samples } = bench.sandbox;
	const binary = { data: await bench.file(samples.video) };
	const { items, error } = await bench.run([{ json, binary }], fields);
	expect(error).toBeUndefined();
	return only(items).json;
}

const submit = async () => String((await outputOf({ waiting: 'none' })).taskId);

describe('holds for what comes out of', () => {
	test('an edit; all that make a video have its schema', async () => {
		const json = await outputOf({});
		expect(making.length).toBeGreaterThan(8);
		for (const [resource, operation] of making) {
			expect(faults(resource, operation, json, IN_PIECES)).toEqual([]);
		}
	});

	test('an edit in pieces', async () => {
		const path = join(folder, 'long.mp4');
		await runFfmpeg([
			...['-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=10:duration=12'],
			...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-pix_fmt', 'yuv420p', path],
		]);
		const data = await bench.file(await readFile(path), 'long.mp4', 'video/mp4');
		const fields = { videoSource: 'binary', videoField: 'data', longVideo: 'split' };
		const { items, error } = await bench.run([{ json: {}, binary: { data } }], fields);
		expect(error).toBeUndefined();
		const { json } = only(items);

		expect(json).toMatchObject({ joined: true, pieces: [{ piece: 1 }, { piece: 2 }] });
		expect(faults('video', 'instructionEdit', json)).toEqual([]);
		const inPieces = making.filter(([, operation]) => takesLong(operation));
		expect(inPieces.length).toBeGreaterThan(4);
		for (const [resource, operation] of inPieces) {
			expect(faults(resource, operation, json)).toEqual([]);
		}
		// Those without the field know nothing of pieces.
		expect(faults('video', 'continue', json)).not.toEqual([]);
	});

	test('Get Status and Wait for Completion, finished and not', async () => {
		const taskId = await submit();
		const waited = await outputOf({ resource: 'task', operation: 'wait', taskId });
		const status = { resource: 'task', operation: 'getStatus' };
		bench.sandbox.configure({ slots: 0 });
		const open = await outputOf({ ...status, taskId: await submit() });

		expect(open.usage).toBeNull();
		expect(faults('task', 'wait', waited)).toEqual([]);
		expect(faults('task', 'getStatus', await outputOf({ ...status, taskId }))).toEqual([]);
		expect(faults('task', 'getStatus', open)).toEqual([]);
	});

	test('Get Many and Cancel', async () => {
		await submit();
		bench.sandbox.configure({ slots: 0 });
		const taskId = await submit();
		const { items } = await bench.run(1, { resource: 'task', operation: 'getMany' });

		expect(items).toHaveLength(2);
		for (const { json } of items) expect(faults('task', 'getMany', json)).toEqual([]);
		const cancelled = await outputOf({ resource: 'task', operation: 'cancel', taskId });
		expect(faults('task', 'cancel', cancelled)).toEqual([]);
	});

	test.each([
		['file', 'upload', { fileField: 'data', model: modelId('wan2.7-videoedit') }],
		['video', 'estimateCost', { videoSource: 'binary', videoField: 'data' }],
		['video', 'split', {}],
		['video', 'join', {}],
		[
			'video',
			'estimateCost',
			{ videoSource: 'binary', videoField: 'data', model: modelId('happyhorse-1.0-video-edit') },
		],
	])('%s: %s', async (resource, operation, fields) => {
		const json = await outputOf({ resource, operation, resolution: '720P', ...fields });
		expect(faults(resource, operation, json)).toEqual([]);
	});
});

test('a key more, a key less or another kind of value is a fault', async () => {
	const json = await outputOf({});
	const { taskId: _, ...less } = json;
	expect(faults('task', 'wait', less)).toHaveLength(1);
	expect(faults('task', 'wait', { ...json, more: 1 })).toHaveLength(1);
	expect(faults('task', 'wait', { ...json, usage: { billedSeconds: '6' } }).length).toBeGreaterThan(
		1,
	);
});
