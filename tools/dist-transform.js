// Jest transform for the compiled package: hands the code on unchanged together with tsc's source map,
// so that coverage of what is shipped is reported against the TypeScript files.
const { existsSync, readFileSync } = require('node:fs');

module.exports = {
	process(code, path) {
		const map = `${path}.map`;
		return existsSync(map) ? { code, map: JSON.parse(readFileSync(map, 'utf8')) } : { code };
	},
};
