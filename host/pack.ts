import { join } from 'node:path';
import { npm } from './processes';
import { temporaryFolder } from './stopping';

export const root = join(__dirname, '..');

/** Builds the package and packs it as it would be published. */
export async function packPackage({ build = true } = {}): Promise<string> {
	if (build) await npm(['run', 'build', '--loglevel=error'], { cwd: root });
	const destination = await temporaryFolder('pack');
	const printed = await npm(
		['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', destination],
		{ cwd: root },
	);
	const [packed] = JSON.parse(printed) as Array<{ filename: string }>;
	if (!packed) throw new Error('npm pack made no file');
	return join(destination, packed.filename);
}
