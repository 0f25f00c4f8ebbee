// The package's entry. n8n finds the nodes and the credential through the "n8n" key of package.json;
// this is for programs that load them by hand. Copied to dist/index.js by the build.
module.exports = {
	...require('./nodes/WanVideoEdit/WanVideoEdit.node.js'),
	...require('./nodes/WanVideoEditTrigger/WanVideoEditTrigger.node.js'),
	...require('./credentials/DashScopeApi.credentials.js'),
};
