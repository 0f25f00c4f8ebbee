import { readFileSync } from 'node:fs';
import { FILE, operationsPage } from '../../tools/operations-doc';

test('docs/operations.md says what the node says: after a change run npm run docs', () => {
	expect(readFileSync(FILE, 'utf8')).toBe(operationsPage());
});
