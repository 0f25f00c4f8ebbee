// Preloaded into n8n: ends n8n and everything it started when the process that started n8n is gone,
// however that ended. File descriptor 3 is a pipe that the starting process holds open.
const { Socket } = require('node:net');
const { isMainThread } = require('node:worker_threads');

if (isMainThread && process.ppid === Number(process.env.WAN_HOST_PARENT)) {
	const lifeline = new Socket({ fd: 3 });
	lifeline.on('error', () => {});
	lifeline.on('close', () => process.kill(-process.pid, 'SIGKILL'));
	lifeline.resume();
	lifeline.unref();
}
