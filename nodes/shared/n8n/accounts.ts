/** What the process knows of each account, found by the credential. */
import { createHash } from 'crypto';
import type { DashScopeClient } from '../dashscope/client';
import { serviceAt } from '../dashscope/hosts';
import { TASK_KEPT_MS } from '../dashscope/types';
import { Account } from '../tasks/account';
import { Journal } from '../tasks/journal';

interface UsedAccount {
	account: Account;
	/** Epoch milliseconds. */
	usedAt: number;
}

/**
 * The accounts that this process uses: all executions with the same host and key share one. They hold no key. One
 * that is no longer used is kept for a day, and dropped when another one is made: with temporary keys there may be a
 * new one every hour.
 */
const accounts = new Map<string, UsedAccount>();

/**
 * What an account knows of its tasks is worth nothing after that. An execution that goes on has its account looked up
 * for each call to DashScope, or waits for a task meanwhile.
 */
const KEPT_MS = TASK_KEPT_MS;

const journal = new Journal(Date.now());

/** What this process knows of the account behind a credential. */
export function accountOf({ baseUrl, apiKey }: DashScopeClient): Account {
	const key = createHash('sha256').update(`${baseUrl}\n${apiKey}`).digest('hex');
	const usedAt = Date.now();
	const known = accounts.get(key);
	if (known !== undefined) {
		known.usedAt = usedAt;
		return known.account;
	}
	dropUnused(usedAt);
	const service = serviceAt(new URL(baseUrl).hostname);
	const account = new Account(journal, key.slice(0, 12), service);
	accounts.set(key, { account, usedAt });
	return account;
}

function dropUnused(now: number): void {
	for (const [key, { account, usedAt }] of accounts) {
		if (now - usedAt > KEPT_MS && !account.lists.isAwaited) accounts.delete(key);
	}
}
