import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** n8n's files of this test file. Imported before n8n-core, which would otherwise use the user's own folder. */
export const userFolder = mkdtempSync(join(tmpdir(), 'wan-engine-'));

process.env.N8N_USER_FOLDER = userFolder;
