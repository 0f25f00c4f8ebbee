// Preloaded into n8n: fills its heap, and tells how long its event loop and its garbage collections stood in the way.
// It is asked over HTTP: POST /fill?megabytes=400, POST /reset, GET /.
const { createServer } = require('node:http');
const { PerformanceObserver, constants, monitorEventLoopDelay } = require('node:perf_hooks');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { isMainThread } = require('node:worker_threads');

const MEGABYTE = 1024 * 1024;
const RESOLUTION_MS = 5;

const live = [];
const collections = { major: 0, minor: 0 };

// Live objects as n8n's own: many small ones.
function fill(bytes) {
	setFlagsFromString('--expose-gc');
	const collect = runInNewContext('gc');
	collect();
	while (process.memoryUsage().heapUsed < bytes) {
		for (let count = 0; count < 5_000; count++) {
			const index = live.length;
			live.push({ json: { id: index, name: `item ${index}`, tags: [index, index + 1] } });
		}
	}
	collect();
}

if (isMainThread && process.ppid === Number(process.env.WAN_HOST_PARENT)) {
	const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
	delay.enable();
	new PerformanceObserver((list) => {
		for (const { duration, detail } of list.getEntries()) {
			const kind = detail.kind === constants.NODE_PERFORMANCE_GC_MINOR ? 'minor' : 'major';
			collections[kind] = Math.max(collections[kind], duration);
		}
	}).observe({ entryTypes: ['gc'] });
	const server = createServer((request, response) => {
		const { pathname, searchParams } = new URL(request.url, 'http://localhost');
		if (pathname === '/fill') fill(Number(searchParams.get('megabytes')) * MEGABYTE);
		if (pathname === '/reset') {
			delay.reset();
			Object.assign(collections, { major: 0, minor: 0 });
		}
		const stall = Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
		const heap = process.memoryUsage().heapUsed / MEGABYTE;
		response.end(JSON.stringify({ stall, heap, collections }));
	});
	server.listen(Number(process.env.WAN_BENCH_PROBE), '127.0.0.1');
	server.unref();
}
