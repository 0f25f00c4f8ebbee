// Run first by every command that must work from a fresh clone: installs the locked dependencies
// when node_modules is missing or belongs to another package-lock.json.
const { execSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const stamp = join(root, 'node_modules', '.installed-lock');
const lock = createHash('sha256')
	.update(readFileSync(join(root, 'package-lock.json')))
	.digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
	console.error('Installing the development dependencies (once, about a minute) …');
	// npm 10, which comes with Node.js 20 and 22, misses optional packages in this lock and refuses it.
	const old = Number.parseInt(execSync('npm --version', { encoding: 'utf8' }), 10) < 11;
	// stderr keeps the last line of stdout free for the command's own result.
	execSync(`${old ? 'npx --yes npm@11' : 'npm'} ci --loglevel=error`, {
		cwd: root,
		stdio: ['ignore', 2, 2],
	});
	writeFileSync(stamp, lock);
}
