const { existsSync } = require('node:fs');
const { copyFile, mkdir, readFile, readdir, rm, writeFile } = require('node:fs/promises');
const { dirname } = require('node:path');
const { src, dest, parallel } = require('gulp');

// Binary-safe copies: gulp 5 would otherwise re-encode PNG files as UTF-8.
const raw = { encoding: false };

const icons = () => src('icons/*.{svg,png}', raw).pipe(dest('dist/icons'));
const codex = () => src('nodes/**/*.node.json', raw).pipe(dest('dist/nodes'));

// What each operation returns, so that n8n shows its fields before the first run. Operations without a file of their own
// return a task; those that also edit a video in pieces say of an item that was joined what it has besides.
const schemas = async () => {
	const node = 'nodes/WanVideoEdit';
	const folder = `${node}/__schema__/v1.0.0`;
	for (const file of await readdir(`${node}/actions`, { recursive: true })) {
		if (!file.endsWith('.operation.ts')) continue;
		const operation = file.replace('.operation.ts', '.json');
		const own = `${folder}/${operation}`;
		const target = `dist/${folder}/${operation}`;
		await mkdir(dirname(target), { recursive: true });
		const source = await readFile(`${node}/actions/${file}`, 'utf8');
		if (existsSync(own)) await copyFile(own, target);
		else if (!source.includes('longVideo')) await copyFile(`${folder}/task/getStatus.json`, target);
		else await writeFile(target, JSON.stringify(await inPieces(folder)));
	}
};

const inPieces = async (folder) => {
	const [task, joined] = await Promise.all(
		['task/getStatus', 'video/inPieces'].map(async (name) =>
			JSON.parse(await readFile(`${folder}/${name}.json`, 'utf8')),
		),
	);
	return { ...task, properties: { ...task.properties, ...joined.properties } };
};

const entry = () => src('index.js', raw).pipe(dest('dist'));

// What is no longer built must not be shipped.
exports.clean = () => rm('dist', { recursive: true, force: true });
exports.default = parallel(icons, codex, schemas, entry);
