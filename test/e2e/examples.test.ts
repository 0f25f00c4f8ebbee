// The workflows of examples/ in a real n8n, set up as their first notes say, with a real browser, storage and mail server.
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { INode } from 'n8n-workflow';
import type { Page } from 'playwright-core';
import { findChromium, openBrowser, type Browser } from '../../host/chromium';
import { outputOf, type Execution, type Workflow } from '../../host/client';
import {
	credentialTypes,
	exampleNames,
	formPath,
	loadExample,
	withCredentials,
	withSettings,
} from '../../host/examples';
import { startMailbox, type Mail, type Mailbox } from '../../host/mailbox';
import type { N8n } from '../../host/n8n';
import { startStorage, type Storage } from '../../host/storage';
import { startSandbox } from '../../sandbox';
import { probeVideo } from '../../sandbox/probe';
import { removeFolder, temporaryFolder } from '../../host/stopping';
import types from '../n8n-node-types.json';
import { startChatModel, startTelegram, type Said } from './standIns';
import {
	available,
	credentialData,
	executionsOf,
	startOwnN8n,
	call,
	until,
	wanVideoEdit,
	webhook,
	workflow,
	type Sandbox,
} from './support';

const executable = findChromium();
const missing =
	executable === undefined
		? 'No Chromium (CHROMIUM_PATH, /usr/bin/chromium): the examples are not tested.'
		: undefined;

const credentials = {
	dashScopeApi: 'DashScope',
	smtp: 'Mail',
	s3: 'Storage',
	telegramApi: 'Telegram',
	openAiApi: 'Chat model',
	n8nApi: 'This n8n',
};
const buckets = ['my-videos', 'my-edited-videos'];
const jobSeconds = 3;

(available(missing) ? describe : describe.skip)('the examples', () => {
	let n8n: N8n;
	let sandbox: Sandbox;
	let mailbox: Mailbox;
	let storage: Storage;
	let browser: Browser;
	let folder: string;
	let unanswered: { id: string; prompt: string };

	beforeAll(async () => {
		folder = await temporaryFolder('examples');
		[n8n, sandbox, mailbox, storage, browser] = await Promise.all([
			startOwnN8n(),
			startSandbox({ jobSeconds }),
			startMailbox(),
			startStorage(buckets),
			openBrowser(executable ?? ''),
		]);
		const data = {
			dashScopeApi: credentialData(sandbox),
			smtp: mailbox.credential,
			s3: storage.credential,
		};
		for (const type of ['dashScopeApi', 'smtp', 's3'] as const) {
			await n8n.addCredential({ name: credentials[type], type, data: data[type] });
		}
		unanswered = await askWithoutAnswer();
	}, 240_000);

	/** Example 7 with nobody who answers: n8n looks only once a minute whether a wait is over. */
	const askWithoutAnswer = async () => {
		const prompt = 'Example 7 without an answer';
		const example = loadExample('07-approve-before-publishing');
		for (const node of example.nodes) if (node.webhookId) node.webhookId += '-late';
		Object.assign(named(example, 'Ask by Mail').parameters.options ?? {}, {
			limitWaitTime: {
				values: {
					limitType: 'atSpecifiedTime',
					maxDateAndTime: '={{ $now.plus({ seconds: 5 }).toISO() }}',
				},
			},
		});
		const { id, form } = await addPublished(example);
		await sendForm(form, prompt);
		return { id, prompt };
	};

	afterAll(async () => {
		await browser?.close();
		await n8n?.stop();
		await Promise.all([mailbox?.stop(), storage?.stop(), sandbox?.stop()]);
		if (folder !== undefined) removeFolder(folder);
	});

	/** Imports an example with credentials. */
	const add = async (workflow: Workflow) =>
		await n8n.addWorkflow(withCredentials(workflow, credentials));

	const addPublished = async (workflow: Workflow) => {
		const id = await add(workflow);
		await n8n.publish(id);
		return { id, form: `${n8n.url}/form/${formPath(workflow) ?? ''}` };
	};

	const tasksOf = (prompt: string) => sandbox.tasks().filter((task) => task.prompt === prompt);

	const mailsWith = async (text: string) =>
		(await mailbox.mails()).filter(({ text: body = '', html = '' }) =>
			`${body}${html}`.includes(text),
		);

	const mailWith = async (text: string, subject: string, timeoutMs = 120_000): Promise<Mail> =>
		await until(
			`A mail "${subject}" with "${text}"`,
			async () => (await mailsWith(text)).find((mail) => mail.subject === subject),
			timeoutMs,
		);

	/** Fails unless the bytes are a whole video. */
	const probe = async (bytes: Buffer) => {
		const path = join(folder, 'probed.mp4');
		await writeFile(path, bytes);
		return await probeVideo(path);
	};
	const edited = { codec: 'h264', width: 1280, height: 720, fps: 30 };

	const openPage = async (url: string): Promise<Page> => {
		const page = await browser.context.newPage();
		page.setDefaultTimeout(120_000);
		await page.goto(url);
		return page;
	};

	/** Sends a form as a browser does; the fields in their order. */
	const sendForm = async (url: string, instruction?: string) => {
		const { path } = sandbox.samples.video;
		const body = new FormData();
		const video = new Uint8Array(await readFile(path));
		body.append('field-0', new File([video], basename(path), { type: 'video/mp4' }));
		if (instruction !== undefined) body.append('field-1', instruction);
		const response = await fetch(url, { method: 'POST', body });
		expect(response.status).toBe(200);
	};

	const ended = async (id: string): Promise<Execution> => {
		const execution = await n8n.waitFor(id, { everyMs: 500 });
		const { error } = execution.data.resultData;
		expect({ status: execution.status, error: error?.message }).toEqual({ status: 'success' });
		return execution;
	};

	test('are made of nodes that this n8n has', async () => {
		const known = await n8n.nodeTypes();
		const ofType = (type: string) => known.filter(({ name }) => name === type);
		// The linter of the examples goes by this list.
		for (const [type, versions] of Object.entries(types)) {
			const found = [...new Set(ofType(type).flatMap(({ version }) => version))];
			expect({ type, versions: found.sort((a, b) => a - b) }).toEqual({ type, versions });
		}
		for (const { type, typeVersion } of exampleNames.flatMap((name) => loadExample(name).nodes)) {
			const [description] = ofType(type).filter(({ version }) =>
				[version].flat().includes(typeVersion),
			);
			expect({ type, known: description !== undefined }).toEqual({ type, known: true });
			const asked = description?.credentials ?? [];
			const always = asked.filter(({ displayOptions }) => displayOptions === undefined);
			const credential = credentialTypes[type];
			const names = (credential === undefined ? always : asked).map(({ name }) => name);
			expect({ type, names }).toEqual({
				type,
				names: credential === undefined ? [] : expect.arrayContaining([credential]),
			});
		}
	});

	test.each(exampleNames)('%s can be imported as it is', async (name) => {
		const example = loadExample(name);
		const id = await n8n.addWorkflow(example);
		const saved = await n8n.rest<Workflow>('GET', `/workflows/${id}`);
		expect(saved.nodes.map(({ type }) => type)).toEqual(example.nodes.map(({ type }) => type));
		expect(saved.connections).toEqual(example.connections);
	});

	test('10: submits, waits, asks, and ends with the video', async () => {
		const prompt = 'Example 10 in claymation';
		const example = withSettings(loadExample('10-wait-drawn-by-hand'), 'Your Video', {
			videoUrl: sandbox.samples.video.url,
			instruction: prompt,
		});
		// A user would wait two minutes.
		Object.assign(named(example, 'Wait 2 Minutes').parameters, { amount: 2, unit: 'seconds' });
		const execution = await ended(await n8n.run(await add(example)));
		const [item] = outputOf(execution, 'Your Edited Video');
		const [task, ...others] = tasksOf(prompt);
		expect(others).toEqual([]);
		expect(item?.json).toMatchObject({ taskId: task?.id, succeeded: true });
		const bytes = await n8n.binary(item?.binary?.data?.id ?? '');
		expect(await probe(bytes)).toMatchObject(edited);
		// It went round at least once.
		const { runData } = execution.data.resultData;
		expect(runData['Asked Often Enough?']?.length).toBeGreaterThan(0);
	});

	test('3: edits the rows of the list, writes links, costs and reasons', async () => {
		const example = loadExample('03-list-on-a-schedule');
		const id = await add(example);
		// The first run makes the list.
		await ended(await n8n.run(id));
		const table = await dataTable(n8n, 'Video edits');
		const video = sandbox.samples.video.url;
		await table.insert([
			{ videoUrl: video, instruction: 'Example 3, row 1' },
			{ videoUrl: 'https://127.0.0.1:9/none.mp4', instruction: 'Example 3, row 2' },
			{ videoUrl: video, instruction: 'Example 3, row 3' },
			{ videoUrl: video, instruction: 'Example 3, row 4', status: 'paused' },
		]);
		await ended(await n8n.run(id));
		const rows = (await table.rows()).sort((a, b) =>
			String(a.instruction).localeCompare(String(b.instruction)),
		);
		const cost = expect.stringMatching(/^\d+(\.\d+)? USD$/) as string;
		expect(rows).toMatchObject([
			{ status: 'done', cost, link: expect.stringMatching(/^http.+\.mp4/) as string },
			{ status: 'failed', reason: expect.stringMatching(/\w+/) as string, link: null },
			{ status: 'done', cost, link: expect.stringMatching(/^http.+\.mp4/) as string },
			{ status: 'paused', link: null },
		]);
		const fetched = await fetch(String(rows[0]?.link));
		expect(await probe(Buffer.from(await fetched.arrayBuffer()))).toMatchObject(edited);

		// Nothing is left to do for the next run.
		const before = sandbox.tasks().length;
		await ended(await n8n.run(id));
		expect(sandbox.tasks().length).toBe(before);
	});

	test('8: a form becomes a page of six videos that play', async () => {
		const { form } = await addPublished(loadExample('08-one-video-six-styles'));
		const before = sandbox.tasks().length;
		const page = await openPage(form);
		await page.locator('input[type=file]').setInputFiles(sandbox.samples.video.path);
		await page.getByRole('button', { name: 'Make six videos' }).click();
		await page.getByRole('heading', { name: 'Remove' }).waitFor();
		await until('six videos that can play', async () => {
			const widths = await page
				.locator('video')
				.evaluateAll((all) => all.map((one) => (one as { videoWidth?: number }).videoWidth));
			return widths.join() === Array(6).fill(1280).join() ? true : undefined;
		});
		expect(sandbox.tasks().length - before).toBe(6);
		await page.close();
	});

	test('7: asks by mail, edits again on one button, publishes on the other', async () => {
		const prompt = 'Example 7 in winter';
		const { form } = await addPublished(loadExample('07-approve-before-publishing'));
		const uploads = sandbox.requests('upload').length;
		// A button that the person who sends the form would like to have pressed.
		const instruction = `${prompt} <a href="https://example.com/">Publish</a>`;
		await sendForm(form, instruction);

		const first = await mailWith(prompt, 'Publish this video?');
		await press(await openPage('about:blank'), first, 'Edit again');
		const second = await until('a second question', async () =>
			(await mailsWith(prompt)).find(({ id }) => id !== first.id),
		);
		expect((await storage.list('my-videos')).filter((key) => key.startsWith('published'))).toEqual(
			[],
		);
		await press(await openPage('about:blank'), second, 'Publish');
		const published = await until('the published video', async () =>
			(await storage.list('my-videos')).find((key) => key.startsWith('published/')),
		);
		const tasks = tasksOf(instruction);
		expect(published).toBe(`published/${tasks[1]?.id}.mp4`);
		expect(await probe(await storage.get('my-videos', published))).toMatchObject(edited);
		expect({ tasks: tasks.length, uploads: sandbox.requests('upload').length - uploads }).toEqual({
			tasks: 2,
			uploads: 1,
		});
	});

	test('7: without an answer nothing is published and nothing is paid', async () => {
		const [execution] = await executionsOf(n8n, unanswered.id);
		const { data } = await ended(execution?.id ?? '');
		expect(data.resultData.lastNodeExecuted).toBe('What Was Decided?');
		expect(await mailsWith(unanswered.prompt)).toHaveLength(1);
		expect(tasksOf(unanswered.prompt)).toHaveLength(1);
	});

	test('1, 2 and 9: n8n is killed while the videos are made; each arrives, and is paid once', async () => {
		sandbox.configure({ jobSeconds: 25 });
		const [first, ninth] = ['Example 1 with Image 1 in claymation', 'Example 9 at night'];
		const second = 'Example 2 as a sketch';
		const form = await addPublished(loadExample('01-form-to-storage-and-mail'));
		const submit = await addPublished(loadExample('09-submit-and-let-go'));
		const finished = await addPublished(loadExample('09-when-a-video-is-finished'));
		const example = withSettings(loadExample('02-new-videos-of-a-storage'), 'Your Settings', {
			instruction: second,
		});
		// A user would wait for five minutes. It starts again and again while the videos are made.
		named(example, 'Every 5 Minutes').parameters.rule = {
			interval: [{ field: 'seconds', secondsInterval: 5 }],
		};
		const video = await readFile(sandbox.samples.video.path);
		await storage.put('my-videos', 'One.mp4', video);
		await storage.put('my-videos', 'two.MOV', await readFile(sandbox.samples.video.path));
		// n8n's S3 node asks for "lost file.mp4".
		await storage.put('my-videos', 'lost%20file.mp4', video);
		await storage.put('my-videos', 'notes.txt', Buffer.from('Not a video'));
		await storage.put('my-videos', 'folder/three.mp4', video);
		const watched = await addPublished(example);

		const page = await openPage(form.form);
		const [files, pictures] = await page.locator('input[type=file]').all();
		await files?.setInputFiles(sandbox.samples.video.path);
		await pictures?.setInputFiles(sandbox.samples.images.slice(0, 3).map(({ path }) => path));
		await page.locator('textarea').fill(first);
		await page.locator('input[type=email]').fill('nathan@example.com');
		await page.getByRole('button', { name: 'Edit my video' }).click();
		await page.getByText('the link comes by email').waitFor();
		await page.close();
		await sendForm(submit.form, ninth);

		await until('all of them in the middle', async () => {
			const waiting = await Promise.all(
				[form.id, watched.id].map(async (id) =>
					(await executionsOf(n8n, id)).some(({ status }) => status === 'waiting'),
				),
			);
			const submitted = tasksOf(ninth).length === 1;
			return submitted && waiting.every(Boolean) ? true : undefined;
		});
		expect(sandbox.tasks().filter(({ status }) => status === 'SUCCEEDED')).not.toContainEqual(
			expect.objectContaining({ prompt: first }),
		);
		sandbox.configure({ jobSeconds });
		await n8n.kill('SIGKILL');
		await n8n.restart();

		const [mail] = await Promise.all([
			mailWith(first, 'Your edited video is ready', 180_000),
			mailWith(ninth, 'A video is finished', 180_000),
			mailWith('One.mp4', 'Video done: One.mp4', 180_000),
			mailWith('two.MOV', 'Video done: two.MOV', 180_000),
			mailWith('lost%20file.mp4', 'Video failed: lost%20file.mp4', 180_000),
		]);
		expect(mail.to.map(({ address }) => address)).toEqual(['nathan@example.com']);

		const [one] = tasksOf(first);
		const [nine] = tasksOf(ninth);
		const kept = await storage.list('my-videos');
		expect(kept).toEqual(
			expect.arrayContaining([`edited/${one?.id}.mp4`, `finished/${nine?.id}.mp4`]),
		);
		expect(await storage.list('my-edited-videos')).toEqual(['One.mp4', 'two.mp4']);
		const arrived = [
			await storage.get('my-videos', `edited/${one?.id}.mp4`),
			await storage.get('my-videos', `finished/${nine?.id}.mp4`),
			await storage.get('my-edited-videos', 'One.mp4'),
			await storage.get('my-edited-videos', 'two.mp4'),
		];
		for (const bytes of arrived) expect(await probe(bytes)).toMatchObject(edited);

		// The three pictures went along, in their order.
		const { media } = (one?.body as { input: { media: Array<{ type: string }> } }).input;
		expect(media.map(({ type }) => type)).toEqual([
			'video',
			'reference_image',
			'reference_image',
			'reference_image',
		]);
		// Each row is that of its file.
		const rows = (await (await dataTable(n8n, 'Edited videos')).rows()).sort((a, b) =>
			String(a.file).localeCompare(String(b.file)),
		);
		const done = expect.stringMatching(/^task \S/) as string;
		expect(rows).toMatchObject([
			{ file: 'lost%20file.mp4', status: 'failed', details: expect.stringMatching(/\w/) as string },
			{ file: 'One.mp4', status: 'done', details: done },
			{ file: 'two.MOV', status: 'done', details: done },
		]);
		// Several runs of the schedule later.
		const runs = (await executionsOf(n8n, watched.id)).filter(({ mode }) => mode === 'trigger');
		expect(runs.length).toBeGreaterThan(3);
		expect({
			first: tasksOf(first).length,
			second: tasksOf(second).length,
			ninth: tasksOf(ninth).length,
			mails: (await mailsWith(ninth)).length,
		}).toEqual({ first: 1, second: 2, ninth: 1, mails: 1 });
		await Promise.all(
			[watched.id, finished.id].map(
				async (id) => await n8n.rest('POST', `/workflows/${id}/deactivate`),
			),
		);
	}, 420_000);

	test('4: a video with a caption comes back edited; others get a friendly answer', async () => {
		const { video: whole, bad } = sandbox.samples;
		const telegram = await startTelegram({ AgAD: whole.path, AgAE: bad.shortVideo.path });
		try {
			const data = { accessToken: '1:stand-in', baseUrl: telegram.url };
			await n8n.addCredential({ name: credentials.telegramApi, type: 'telegramApi', data });
			const { id } = await addPublished(loadExample('04-telegram'));
			const caption = 'Example 4 in snow';
			const message = (chat: number, more: object) => ({
				message_id: 1,
				chat: { id: chat },
				...more,
			});
			const video = { file_id: 'AgAD', file_size: 400_000, mime_type: 'video/mp4' };
			await until('Telegram is told where to send', async () =>
				(await telegram.tell(message(4, { video, caption }))) ? true : undefined,
			);
			await telegram.tell(message(5, { video: { ...video, file_size: 21_000_000 }, caption }));
			await telegram.tell(message(6, { text: 'Hello' }));
			await telegram.tell(message(7, { video: { ...video, file_id: 'AgAE' }, caption }));
			await telegram.tell(message(8, { video: { ...video, file_id: 'gone' }, caption }));
			const sentTo = async (chat: string) =>
				await until(`an answer to chat ${chat}`, async () =>
					telegram.sent.find((one) => one.chat === chat),
				);
			expect(await sentTo('5')).toMatchObject({
				method: 'sendMessage',
				text: expect.stringContaining('20 MB'),
			});
			expect(await sentTo('6')).toMatchObject({
				method: 'sendMessage',
				text: expect.stringContaining('caption'),
			});
			// A file name with "_" is no Markdown.
			expect(await sentTo('7')).toMatchObject({
				method: 'sendMessage',
				text: expect.stringMatching(/^Sorry, .*: the file file_2\.mp4 is .* second/),
			});
			expect(await sentTo('8')).toMatchObject({
				method: 'sendMessage',
				text: expect.stringMatching(/^Sorry, your video could not be edited: \S/),
			});
			const back = await sentTo('4');
			expect(back).toMatchObject({ method: 'sendVideo', text: caption });
			expect(await probe(back.video ?? Buffer.alloc(0))).toMatchObject(edited);
			expect(tasksOf(caption)).toHaveLength(1);
			await n8n.rest('POST', `/workflows/${id}/deactivate`);
		} finally {
			await telegram.stop();
		}
	});

	test('6: the agent edits when the button in the mail is pressed, and not before', async () => {
		const instruction = 'Example 6 at sunset';
		const model = await startChatModel((messages): Said => {
			const last = messages.map(({ role }) => role).lastIndexOf('user');
			const results = messages
				.slice(last)
				.filter(({ role }) => role === 'tool')
				.map(({ content }) => content);
			const answer = JSON.stringify(results.at(-1) ?? null);
			if (results.length === 0) {
				return { tool: 'Edit', arguments: { videoUrl: sandbox.samples.video.url, instruction } };
			}
			const taskId = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(answer)?.[0];
			if (results.length === 1 && taskId) return { tool: 'Look', arguments: { taskId } };
			return `The tool said ${answer}`;
		});
		try {
			const data = { apiKey: 'sk-stand-in', url: model.url };
			await n8n.addCredential({ name: credentials.openAiApi, type: 'openAiApi', data });
			const example = loadExample('06-agent-with-approval');
			const chat = named(example, 'Chat');
			// A user would write in the editor.
			chat.parameters.public = true;
			const { id } = await addPublished(example);
			const before = sandbox.tasks().length;
			// n8n's chat page comes from the internet; this is what it sends.
			const ask = async (chatInput: string) =>
				await fetch(`${n8n.url}/webhook/${chat.webhookId}/chat`, {
					method: 'POST',
					headers: { 'content-type': 'application/json' },
					body: JSON.stringify({ action: 'sendMessage', sessionId: 'test', chatInput }),
				});
			const answers = async () =>
				await until('an answer', async () => {
					const row = (await executionsOf(n8n, id)).at(-1);
					const { data } = await n8n.execution(row?.id ?? '');
					const said = data.resultData.runData['Video Assistant']?.at(-1)?.data?.main?.[0];
					return said?.[0] === undefined ? undefined : String(said[0].json.output);
				});
			expect((await ask('Edit my video')).status).toBe(200);
			const question = await mailWith(instruction, 'May a video be edited?');
			expect(sandbox.tasks().length).toBe(before);
			await press(await openPage('about:blank'), question, 'Edit it');
			const said = await answers();
			const [task, ...others] = tasksOf(instruction);
			expect(others).toEqual([]);
			expect(said).toContain(task?.id);

			expect((await ask('Edit it once more')).status).toBe(200);
			const again = await until('a second question', async () =>
				(await mailsWith(instruction)).find((mail) => mail.id !== question.id),
			);
			await press(await openPage('about:blank'), again, 'No');
			expect(await answers()).toMatch(/reject/);
			expect(tasksOf(instruction)).toHaveLength(1);
		} finally {
			await model.stop();
		}
	});

	test('11: an execution that a kill left crashed is retried by itself, once; its video is paid once', async () => {
		const { rawApiKey } = await n8n.rest<{ rawApiKey: string }>('POST', '/api-keys', {
			label: 'Retries',
			expiresAt: null,
			scopes: ['execution:list', 'execution:read', 'execution:retry', 'workflow:list'],
		});
		const data = { apiKey: rawApiKey, baseUrl: `${n8n.url}/api/v1` };
		await n8n.addCredential({ name: credentials.n8nApi, type: 'n8nApi', data });
		const prompt = 'Example 11 in felt';
		const edit = wanVideoEdit('Edit', credentials.dashScopeApi, {
			resource: 'video',
			operation: 'instructionEdit',
			videoSource: 'url',
			videoUrl: sandbox.samples.video.url,
			prompt,
			waiting: 'active',
		});
		const path = 'crashes';
		const edits = await n8n.addWorkflow(
			workflow('Edits that crash', [webhook(path), edit], [['Hook', 'Edit']]),
		);
		await n8n.publish(edits);
		const example = loadExample('11-retry-after-a-crash');
		named(example, 'Crashed Executions').parameters.filters = {
			workflowId: { __rl: true, mode: 'id', value: edits },
			status: "={{ 'crashed' }}",
		};
		// A user would wait for a minute.
		named(example, 'Every Minute').parameters.rule = {
			interval: [{ field: 'seconds', secondsInterval: 3 }],
		};
		const retries = await addPublished(example);

		sandbox.configure({ jobSeconds: 20 });
		await call(n8n, path);
		await until('the task', async () => tasksOf(prompt)[0]);
		sandbox.configure({ jobSeconds });
		await n8n.kill('SIGKILL');
		await n8n.restart();
		const retry = await until('the retry', async () =>
			(await executionsOf(n8n, edits)).find(({ mode }) => mode === 'retry'),
		);
		const [item] = outputOf(await ended(retry.id), 'Edit');
		expect(await probe(await n8n.binary(item?.binary?.data?.id ?? ''))).toMatchObject(edited);
		// Several looks later.
		const runs = async () => (await executionsOf(n8n, retries.id)).length;
		const before = await runs();
		await until('more looks', async () => ((await runs()) >= before + 3 ? true : undefined));
		const [first, ...others] = await executionsOf(n8n, edits);
		expect(first?.status).toBe('crashed');
		expect(others.map(({ id, status }) => ({ id, status }))).toEqual([
			{ id: retry.id, status: 'success' },
		]);
		expect(tasksOf(prompt)).toHaveLength(1);
		await n8n.rest('POST', `/workflows/${retries.id}/deactivate`);
	}, 300_000);

	test('1: who sends something that cannot be edited gets a mail with the reason', async () => {
		const example = loadExample('01-form-to-storage-and-mail');
		for (const node of example.nodes) if (node.webhookId) node.webhookId += '-bad';
		const { form } = await addPublished(example);
		const before = sandbox.tasks().length;
		const page = await openPage(form);
		await page
			.locator('input[type=file]')
			.first()
			.setInputFiles(sandbox.samples.bad.shortVideo.path);
		await page.locator('textarea').fill('Example 1 too short');
		await page.locator('input[type=email]').fill('nathan@example.com');
		await page.getByRole('button', { name: 'Edit my video' }).click();
		const mail = await mailWith('Example 1 too short', 'Your video could not be edited');
		expect(mail.text).toMatch(/Your file .* second/);
		expect(mail.text).not.toMatch(/Binary Field|\[item/);
		expect(sandbox.tasks().length).toBe(before);
		await page.close();
	});
});

function named({ nodes }: Workflow, name: string): INode {
	const found = nodes.find((node) => node.name === name);
	if (found === undefined) throw new Error(`No node is called "${name}"`);
	return found;
}

/** Presses a button of n8n's mail, which opens a page that may ask to confirm it. */
async function press(page: Page, { html = '' }: Mail, label: string): Promise<void> {
	await page.setContent(html);
	const address = await page.getByRole('link', { name: label, exact: true }).getAttribute('href');
	// n8n lets no robots press it, and takes a browser without a window for one.
	const agent = await page.evaluate('navigator.userAgent');
	await page.setExtraHTTPHeaders({ 'user-agent': String(agent).replace('Headless', '') });
	await page.goto(address ?? '');
	await page.close();
}

type Row = Record<string, unknown>;

/** A data table of the owner, through the API of its page in n8n. */
async function dataTable(n8n: N8n, name: string) {
	const { id: project } = await n8n.rest<{ id: string }>('GET', '/projects/personal');
	const base = `/projects/${project}/data-tables`;
	const { data } = await n8n.rest<{ data: Array<{ id: string; name: string }> }>('GET', base);
	const found = data.find((table) => table.name === name);
	if (found === undefined) throw new Error(`No data table is called "${name}"`);
	const path = `${base}/${found.id}`;
	return {
		insert: async (rows: Row[]) =>
			await n8n.rest('POST', `${path}/insert`, { data: rows, returnType: 'count' }),
		rows: async () => (await n8n.rest<{ data: Row[] }>('GET', `${path}/rows`)).data,
	};
}
