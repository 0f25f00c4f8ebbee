// npm run release:check [-- v1.2.3]: what stands between this clone and a release. docs/releasing.md explains each.
// npm run release:links: has the links of the credential and of the node's codex follow the repository of package.json.
const { readFileSync, readdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

// What package.json names until the owner has said where the project lives.
const placeholders = {
	repository: 'n8n-nodes-wan-video-edit/n8n-nodes-wan-video-edit',
	name: 'n8n-nodes-wan-video-edit contributors',
	email: 'n8n-nodes-wan-video-edit@users.noreply.github.com',
};

const githubLink = /(https:\/\/github\.com\/)([\w.-]+\/[\w.-]+?)(?=\.git\b|[#/"'\s]|$)/g;

const read = (root, path) => readFileSync(join(root, path), 'utf8');

/** "owner/name" of package.json, which npm's provenance compares with where the workflow runs; undefined if not GitHub. */
function repositoryOf({ repository }) {
	return /^git\+https:\/\/github\.com\/([\w.-]+\/[\w.-]+?)\.git$/.exec(repository?.url ?? '')?.[1];
}

/** The published files that link to the repository. */
function linkingFiles(root) {
	return ['nodes', 'credentials'].flatMap((folder) =>
		readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
			.filter((path) => /\.(ts|json)$/.test(path))
			.map((path) => join(folder, path).replaceAll('\\', '/'))
			.filter((path) => read(root, path).includes('https://github.com/')),
	);
}

/**
 * What has to be done before a release, a sentence each; empty if nothing.
 * @param root the clone
 * @param tag the tag that is to be released; without it, only the clone is looked at
 * @param runsIn "owner/name" of the repository whose workflow this is, if it is one
 */
function problemsOf(root, { tag, runsIn } = {}) {
	const manifest = JSON.parse(read(root, 'package.json'));
	const { version, homepage, bugs, author } = manifest;
	const problems = [];
	const repository = repositoryOf(manifest);

	if (repository === undefined) {
		problems.push(
			'package.json: "repository.url" must read git+https://github.com/OWNER/NAME.git, for n8n takes packages from GitHub only',
		);
	} else {
		if (repository === placeholders.repository) {
			problems.push('package.json: "repository" is a placeholder');
		}
		const address = `https://github.com/${repository}`;
		if (homepage !== `${address}#readme`) {
			problems.push(`package.json: "homepage" must read ${address}#readme`);
		}
		if (bugs?.url !== `${address}/issues`) {
			problems.push(`package.json: "bugs.url" must read ${address}/issues`);
		}
		for (const path of linkingFiles(root)) {
			const linked = [...read(root, path).matchAll(githubLink)].map(([, , name]) => name);
			if (linked.some((name) => name !== repository)) {
				problems.push(`${path}: links to another repository; run "npm run release:links"`);
			}
		}
		if (runsIn !== undefined && runsIn !== repository) {
			problems.push(`package.json: "repository" names ${repository}, but this is ${runsIn}`);
		}
	}
	if (!author?.name || author.name === placeholders.name) {
		problems.push('package.json: "author.name" is a placeholder');
	}
	if (!/^\S+@\S+\.\S+$/.test(author?.email ?? '') || author.email === placeholders.email) {
		problems.push('package.json: "author.email" is a placeholder');
	}

	if (JSON.parse(read(root, 'package-lock.json')).version !== version) {
		problems.push('package-lock.json: has another version; run "npm install --package-lock-only"');
	}
	const heading = read(root, 'CHANGELOG.md')
		.split('\n')
		.find((line) => line.startsWith(`## [${version}]`));
	if (!/^## \[[^\]]+\] - \d{4}-\d\d-\d\d$/.test(heading ?? '')) {
		problems.push(`CHANGELOG.md: there is no heading "## [${version}] - YYYY-MM-DD"`);
	}
	if (tag !== undefined && tag !== `v${version}`) {
		problems.push(
			`The tag is ${tag}, but package.json has version ${version}: expected v${version}`,
		);
	}
	return problems;
}

/** Has all links follow package.json. @returns the files that were changed */
function writeLinks(root) {
	const repository = repositoryOf(JSON.parse(read(root, 'package.json')));
	if (repository === undefined) throw new Error('Set "repository.url" in package.json first');
	return linkingFiles(root).filter((path) => {
		const before = read(root, path);
		const after = before.replace(githubLink, `$1${repository}`);
		if (after !== before) writeFileSync(join(root, path), after);
		return after !== before;
	});
}

module.exports = { problemsOf, writeLinks };

if (require.main === module) {
	const root = join(__dirname, '..');
	const [first] = process.argv.slice(2);
	if (first === '--links') {
		for (const path of writeLinks(root)) console.log(`Changed ${path}`);
	} else {
		const problems = problemsOf(root, { tag: first, runsIn: process.env.GITHUB_REPOSITORY });
		for (const problem of problems) console.error(problem);
		console.log(problems.length === 0 ? 'Ready to be released' : 'Not ready: docs/releasing.md');
		process.exitCode = problems.length === 0 ? 0 : 1;
	}
}
