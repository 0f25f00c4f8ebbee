import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, selectors, type BrowserContext } from 'playwright-core';

// n8n spells it with two hyphens.
selectors.setTestIdAttribute('data-test-id');

const places = [
	process.env.CHROMIUM_PATH,
	'/usr/bin/chromium',
	'/usr/bin/chromium-browser',
	'/usr/bin/google-chrome',
	'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where a browser is installed; CHROMIUM_PATH comes first. */
export function findChromium(): string | undefined {
	return places.find((place) => place && existsSync(place));
}

export interface Browser {
	context: BrowserContext;
	close(): Promise<void>;
}

/** Headless, with an empty profile, and without the connections a browser makes by itself. */
export async function openBrowser(executablePath: string): Promise<Browser> {
	const profile = await mkdtemp(join(tmpdir(), 'wan-video-edit-browser-'));
	const context = await chromium.launchPersistentContext(profile, {
		executablePath,
		headless: true,
		viewport: { width: 1440, height: 1000 },
		args: [
			// Chromium's own sandbox does not work for root, as in most CI containers.
			...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
			'--disable-gpu',
			'--disable-quic',
			'--no-first-run',
			'--disable-background-networking',
			'--disable-component-update',
			'--disable-sync',
		],
	});
	return {
		context,
		close: async () => {
			await context.close();
			await rm(profile, { recursive: true, force: true, maxRetries: 5 });
		},
	};
}
