import type { Ledger } from './ledger';

/** What an item asked for in the latest try: its key in the ledger, and what it was made from. Plain JSON. */
export type ItemStore = Record<string, { key: string; recipe: string }>;

/** An item of a try. */
export interface AskedItem {
	/** Index of the input item. */
	item: number;
	/** Of the item, where it has several. */
	part?: string;
	/** Of its request. */
	fingerprint: string;
	/** Of what the request is made from: the input item, and the node's settings before their evaluation. */
	recipe: string;
}

/**
 * Gives the items of a try their keys in the ledger. An item keeps the task that it has from an earlier try when it asks for the
 * same; and also when it asks for something else although its recipe is the same, because then only what the
 * expressions give has changed (the time of day, a link signed anew).
 * @param store what this function noted in earlier tries; is brought up to date
 */
export function keysOf<Item extends AskedItem>(
	asked: Item[],
	ledger: Ledger,
	store: ItemStore,
): Array<Item & { key: string }> {
	const twins = new Map<string, number>();
	const exact = asked.map((one) => {
		const { fingerprint } = one;
		const twin = twins.get(fingerprint) ?? 0;
		twins.set(fingerprint, twin + 1);
		return { ...one, key: ledger.key(fingerprint, twin) };
	});
	const taken = new Set(exact.flatMap(({ key }) => (ledger.find(key) === undefined ? [] : [key])));
	return exact.map((one) => {
		const { item, part, key, recipe } = one;
		const place = ledger.key(part === undefined ? 'item' : `item ${part}`, item);
		const before = store[place];
		const keeps =
			!taken.has(key) &&
			before?.recipe === recipe &&
			ledger.find(before.key) !== undefined &&
			!taken.has(before.key);
		const chosen = keeps ? before.key : key;
		taken.add(chosen);
		store[place] = { key: chosen, recipe };
		return { ...one, key: chosen };
	});
}
