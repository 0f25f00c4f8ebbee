import { createHash } from 'crypto';
import type { DashScopeClient } from '../dashscope/client';
import { serviceAt } from '../dashscope/hosts';
import { Account, Journal } from '../tasks/account';

/**
 * The accounts that this process uses: all executions with the same host and key share one. They live as long as the
 * process, and hold no key.
 */
const accounts = new Map<string, Account>();

const journal = new Journal(Date.now());

/** What this process knows of the account behind a credential. */
export function accountOf({ baseUrl, apiKey }: DashScopeClient): Account {
	const key = createHash('sha256').update(`${baseUrl}\n${apiKey}`).digest('hex');
	const known = accounts.get(key);
	if (known !== undefined) return known;
	const service = serviceAt(new URL(baseUrl).hostname);
	const account = new Account(journal, key.slice(0, 12), service);
	accounts.set(key, account);
	return account;
}
