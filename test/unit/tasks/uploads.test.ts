import { DashScopeError } from '../../../nodes/shared/dashscope/errors';
import { Account } from '../../../nodes/shared/tasks/account';
import { Journal } from '../../../nodes/shared/tasks/journal';
import type { TaskPorts } from '../../../nodes/shared/tasks/ports';
import { Uploads } from '../../../nodes/shared/tasks/uploads';
import type { UploadStore } from '../../../nodes/shared/tasks/uploads';
import { HEADS, MODEL, fileOf } from '../requests';
import { StopButton, VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';

const MP4 = { extension: 'mp4', mimeType: 'video/mp4' };
const HOUR = 3_600_000;

function setup(store: UploadStore = {}, atOnce = 2) {
	const clock = new VirtualClock();
	const stop = new StopButton(clock);
	const service = new VirtualService(clock, { latency: () => 100 });
	const ports = service.ports(stop);
	const uploads = new Uploads(ports, store, atOnce);
	const file = (identity: string) =>
		Object.assign(fileOf(HEADS.mp4, { identity, size: 1_000 }), MP4);
	const send = async (identity: string, model = MODEL) => await uploads.url(model, file(identity));
	return { clock, stop, service, ports, uploads, store, file, send };
}

test('a file goes to the store and comes back as an oss:// URL with its real extension', async () => {
	const { clock, service, send } = setup();
	await expect(clock.run(send('a'))).resolves.toMatch(/^oss:\/\/.+\.mp4$/);
	expect(service.uploads).toBe(1);
	expect([service.count('policy'), service.count('post')]).toEqual([1, 1]);
});

test('the same file is uploaded once, also when it is asked for at the same time', async () => {
	const { clock, service, send } = setup();
	const together = await clock.run(Promise.all([send('a'), send('a'), send('b'), send('a')]));
	expect(together[0]).toBe(together[1]);
	expect(together[0]).toBe(together[3]);
	expect(together[0]).not.toBe(together[2]);
	expect(await clock.run(send('a'))).toBe(together[0]);
	expect(service.uploads).toBe(2);
});

test('an upload serves one model only', async () => {
	const { clock, service, send } = setup();
	const [one, other] = await clock.run(Promise.all([send('a'), send('a', 'other-model')]));
	expect(one).not.toBe(other);
	expect(service.uploads).toBe(2);
});

test('an upload serves the account of its credential only', async () => {
	const first = setup();
	await first.clock.run(first.send('a'));
	const { ports, service, clock } = setup();
	const account = new Account(new Journal(0), 'another');
	const other = new Uploads({ ...ports, account }, first.store, 2);
	await clock.run(other.url(MODEL, first.file('a')));
	expect(service.uploads).toBe(1);
});

test('an upload of an earlier try is used again for 44 hours and not longer', async () => {
	const first = setup();
	const original = await first.clock.run(first.send('a'));
	const kept = JSON.parse(JSON.stringify(first.store)) as UploadStore;

	const later = setup(kept);
	await later.clock.pass(43.9 * HOUR);
	await expect(later.clock.run(later.send('a'))).resolves.toBe(original);
	expect(later.service.uploads).toBe(0);

	await later.clock.pass(0.2 * HOUR);
	await later.clock.run(later.send('a'));
	expect(later.service.uploads).toBe(1);
});

test('no more than the set number are under way at once', async () => {
	const { clock, service, send } = setup({}, 2);
	const before = clock.now();
	await clock.run(Promise.all(['a', 'b', 'c', 'd', 'e'].map(async (name) => await send(name))));
	// Each takes four ways of 100 ms; five of them in twos take three turns.
	expect(clock.now() - before).toBe(3 * 400);
	expect(service.uploads).toBe(5);
});

describe('a failed upload', () => {
	test.each([
		['the permission', 'policy'],
		['the transfer', 'post'],
	] as const)('of %s is tried three times, each with a fresh permission', async (_name, route) => {
		const { clock, service, send } = setup();
		service.faults[route].push(faults.unavailable, faults.reset);
		await expect(clock.run(send('a'))).resolves.toMatch(/^oss:/);
		expect(service.count('policy')).toBe(3);
		expect(service.uploads).toBe(1);
	});

	test('opens the file anew for each try and gives it back each time', async () => {
		const { clock, service, uploads, file } = setup();
		service.faults.post.push(faults.reset, faults.unavailable);
		const source = file('a');
		await clock.run(uploads.url(MODEL, source));
		expect([source.opened, source.destroyed]).toEqual([3, 3]);
	});

	test('is given up after three tries, and may be asked for again later', async () => {
		const { clock, service, store, send } = setup();
		service.faults.post.push(faults.reset, faults.reset, faults.reset);
		const both = Promise.allSettled([send('a'), send('a')]);
		const results = await clock.run(both);
		expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
		expect(service.count('post')).toBe(3);
		expect(store).toEqual({});
		await expect(clock.run(send('a'))).resolves.toMatch(/^oss:/);
	});

	test('keeps what the service said', async () => {
		const { clock, service, send } = setup();
		const overloaded = {
			status: 503,
			body: { code: 'ModelUnavailable', message: 'Come back later', request_id: 'r-7' },
		};
		service.faults.policy.push(overloaded, overloaded, overloaded);
		await expect(clock.run(send('a'))).rejects.toMatchObject({
			message: expect.stringContaining('Come back later'),
			code: 'ModelUnavailable',
			requestId: 'r-7',
			hint: expect.any(String),
		});
	});

	test('is not repeated after a definite no', async () => {
		const { clock, service, send } = setup();
		service.faults.policy.push(faults.unauthorised);
		await expect(clock.run(send('a'))).rejects.toMatchObject({ code: 'InvalidApiKey' });
		expect(service.count('policy')).toBe(1);
	});

	test('waits as long as the service asks', async () => {
		const { clock, service, send } = setup();
		service.faults.policy.push(faults.throttled('20'));
		await clock.run(send('a'));
		const [first = 0, second = 0] = service.times('policy');
		expect(second - first).toBeGreaterThanOrEqual(20_000);
	});

	test('is given up at once where the service asks for ten minutes', async () => {
		const { clock, service, send } = setup();
		service.faults.policy.push(faults.throttled('600'));
		const before = clock.now();
		await expect(clock.run(send('a'))).rejects.toMatchObject({ kind: 'throttled' });
		expect(clock.now() - before).toBeLessThan(1_000);
	});

	test('is not repeated when the file itself cannot be read', async () => {
		const { clock, ports, store, file } = setup();
		let calls = 0;
		const broken: TaskPorts<unknown> = {
			...ports,
			upload: async () => {
				calls++;
				return await Promise.reject<string>(new Error('no such file'));
			},
		};
		const uploads = new Uploads(broken, store, 1);
		await expect(clock.run(uploads.url(MODEL, file('a')))).rejects.toThrow('no such file');
		expect(calls).toBe(1);
	});

	test('frees its place for the next', async () => {
		const { clock, service, send } = setup({}, 1);
		service.faults.policy.push(faults.unauthorised);
		const results = await clock.run(Promise.allSettled([send('a'), send('b')]));
		expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
	});

	test('is not repeated after Stop', async () => {
		const { clock, stop, service, send } = setup();
		service.faults.post.push({ ...faults.reset, delayMs: 1_000 });
		clock.at(clock.now() + 500, () => stop.press());
		const before = clock.now();
		await expect(clock.run(send('a'))).rejects.toThrow(DashScopeError);
		expect(clock.now() - before).toBe(500);
		expect(service.count('policy')).toBe(1);
	});
});
