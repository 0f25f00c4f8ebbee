// Before all end-to-end tests: packs what "npm run build" made and starts one n8n with it.
import { startN8n, type N8n } from '../../host/n8n';
import { packPackage } from '../../host/pack';

declare global {
	// Jest hands nothing from setup to teardown but the global object.
	var sharedN8n: N8n | undefined;
}

export default async function setup(): Promise<void> {
	const tarball = await packPackage({ build: false });
	globalThis.sharedN8n = await startN8n({ tarball });
	process.env.E2E_TARBALL = tarball;
	process.env.E2E_N8N = JSON.stringify(globalThis.sharedN8n.connection);
	process.env.E2E_SNAPSHOT = JSON.stringify(await globalThis.sharedN8n.snapshot());
}
