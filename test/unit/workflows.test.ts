import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import manifest from '../../package.json';

// The files of .github, which nothing else reads before they are pushed.

const ROOT = join(__dirname, '..', '..');

interface Step {
	uses?: string;
	run?: string;
	with?: Record<string, string>;
}

interface Job {
	if?: string;
	needs?: string;
	uses?: string;
	container?: string;
	permissions?: Record<string, string>;
	'timeout-minutes'?: number;
	strategy?: { matrix: Record<string, string[]> };
	steps?: Step[];
}

interface Workflow {
	on: Record<string, unknown>;
	permissions: Record<string, string>;
	jobs: Record<string, Job>;
}

const yamlFiles = readdirSync(join(ROOT, '.github'), { recursive: true, encoding: 'utf8' })
	.map((path) => join('.github', path))
	.filter((path) => /\.ya?ml$/.test(path));

function parse<T>(path: string): T {
	const document = parseDocument(readFileSync(join(ROOT, path), 'utf8'), { uniqueKeys: true });
	expect([...document.errors, ...document.warnings]).toEqual([]);
	return document.toJS() as T;
}

const ci = parse<Workflow>('.github/workflows/ci.yml');
const publish = parse<Workflow>('.github/workflows/publish.yml');
const workflows = Object.entries({ ci, publish });
const jobs = workflows.flatMap(([name, { jobs: all }]) =>
	Object.entries(all).map(([id, job]): [string, Job] => [`${name}: ${id}`, job]),
);
const steps = jobs.flatMap(([, job]) => job.steps ?? []);
const stepsOf = (job?: Job) => job?.steps?.map(({ run }) => run ?? '') ?? [];

test('all of them are here and parse', () => {
	expect(yamlFiles.length).toBeGreaterThanOrEqual(6);
	for (const path of yamlFiles) expect(parse(path)).toEqual(expect.any(Object));
});

test('run scripts that there are', () => {
	const commands = steps.flatMap(({ run }) => run ?? []);
	const named = commands.flatMap((run) => [
		...[...run.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, script]) => script),
		...(/\bnpm test\b/.test(run) ? ['test'] : []),
	]);

	expect(named).toEqual(expect.arrayContaining(['test', 'test:e2e', 'test:oldest']));
	for (const script of named) expect(Object.keys(manifest.scripts)).toContain(script);
});

test('pin every action by its major version at least', () => {
	const used = [...steps, ...jobs.map(([, job]) => job)].flatMap(({ uses }) => uses ?? []);

	expect(used.length).toBeGreaterThan(5);
	for (const uses of used) {
		if (uses.startsWith('./')) expect(existsSync(join(ROOT, uses))).toBe(true);
		else expect(uses).toMatch(/^[\w-]+\/[\w-]+@(v\d+(\.\d+)*|[0-9a-f]{40})$/);
	}
});

test('run on the Node.js that the package asks for, and on newer ones', () => {
	const lowest = Number(/^>=(\d+)/.exec(manifest.engines.node)?.[1]);
	const tested = ci.jobs.test?.strategy?.matrix.node?.map(Number) ?? [];

	expect(lowest).toBeGreaterThanOrEqual(20);
	expect(Math.min(...tested)).toBe(lowest);
	expect(tested).toEqual([20, 22, 24]);
	const others = [
		...steps.map((step) => step.with?.['node-version'] ?? ''),
		...jobs.map(([, { container }]) => container?.replace(/^node:(\d+)-.*$/, '$1') ?? ''),
	].filter((version) => version !== '' && !version.startsWith('${{'));
	expect(others.length).toBeGreaterThan(2);
	for (const version of others) expect(tested).toContain(Number(version));
});

test.each(jobs)('%s ends, and may do no more than read', (_name, job) => {
	if (job.uses === undefined) expect(job['timeout-minutes']).toBeLessThanOrEqual(60);
	const { 'id-token': token, ...others } = job.permissions ?? {};
	expect(Object.values(others).filter((right) => right !== 'read')).toEqual([]);
	if (token !== undefined) expect(stepsOf(job).join()).toContain('npm publish');
});

test.each(workflows)('%s reads only, and holds no secret', (name, { permissions }) => {
	expect(permissions).toEqual({ contents: 'read' });
	const text = readFileSync(join(ROOT, '.github', 'workflows', `${name}.yml`), 'utf8');
	expect(text).not.toMatch(/secrets\.|_authToken|NPM_TOKEN|NODE_AUTH_TOKEN/);
});

test('CI runs everything for each change, and the oldest n8n at night', () => {
	expect(Object.keys(ci.on)).toEqual(
		expect.arrayContaining(['push', 'pull_request', 'schedule', 'workflow_call']),
	);
	expect(stepsOf(ci.jobs.test)).toContain('npm test');
	expect(stepsOf(ci.jobs.e2e)).toContain('npm run test:e2e');
	expect(stepsOf(ci.jobs.e2e).join()).toMatch(/chromium postgresql redis-server/);
	expect(ci.jobs.test?.if).toBeUndefined();
	expect(ci.jobs.e2e?.if).toBeUndefined();
	expect(stepsOf(ci.jobs.oldest)).toContain('npm run test:oldest');
	expect(ci.jobs.oldest?.if).toContain("'schedule'");
});

test('a tag is published with provenance, after the release check and all of CI', () => {
	const { check, ci: called, publish: last } = publish.jobs;

	expect(publish.on).toEqual({ push: { tags: ['v*'] } });
	expect(stepsOf(check)).toContain('npm run release:check -- "$GITHUB_REF_NAME"');
	expect(called?.uses).toBe('./.github/workflows/ci.yml');
	expect([called?.needs, last?.needs]).toEqual(['check', 'ci']);
	expect(last?.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
	const commands = stepsOf(last).filter(Boolean);
	expect(commands.indexOf('npm run lint:scanner')).toBeGreaterThan(commands.indexOf('npm ci'));
	expect(commands.at(-1)).toBe('npm publish --provenance --access public');
});

interface Form {
	name: string;
	description: string;
	body: Array<{
		type: string;
		id?: string;
		attributes: Record<string, unknown>;
		validations?: { required?: boolean };
	}>;
}

test.each(['bug', 'question'])('the form "%s" is one that GitHub takes', (name) => {
	const form = parse<Form>(`.github/ISSUE_TEMPLATE/${name}.yml`);
	const ids = form.body.flatMap(({ id }) => id ?? []);

	expect([form.name, form.description].every(Boolean)).toBe(true);
	expect(new Set(ids).size).toBe(ids.length);
	for (const { type, id, attributes } of form.body) {
		expect(['markdown', 'input', 'textarea', 'dropdown', 'checkboxes']).toContain(type);
		if (type === 'markdown') expect(attributes.value).toEqual(expect.any(String));
		else expect([typeof id, typeof attributes.label]).toEqual(['string', 'string']);
		if (type === 'dropdown') expect((attributes.options as string[]).length).toBeGreaterThan(1);
	}
	expect(JSON.stringify(form)).toContain('Never post');
	const required = form.body.filter(({ validations }) => validations?.required);
	const labels = required.map(({ attributes }) => String(attributes.label)).join();
	expect(labels).toMatch(/n8n-nodes-wan-video-edit/);
	expect(labels).toMatch(/region/i);
});

test('a bug report asks for task ID and request ID', () => {
	const { body } = parse<Form>('.github/ISSUE_TEMPLATE/bug.yml');

	expect(body.map(({ attributes }) => attributes.label)).toContain('Task ID and request ID');
});

test('updates are looked for in every folder with dependencies but the oldest n8n', () => {
	const { updates } = parse<{
		updates: Array<{ directory: string; 'package-ecosystem': string }>;
	}>('.github/dependabot.yml');
	const npm = updates.filter((update) => update['package-ecosystem'] === 'npm');

	expect(npm.map(({ directory }) => directory)).toEqual(['/', '/host']);
	for (const { directory } of npm) {
		expect(existsSync(join(ROOT, directory, 'package.json'))).toBe(true);
	}
	expect(updates.map((update) => update['package-ecosystem'])).toContain('github-actions');
});
