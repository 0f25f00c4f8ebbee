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

/** An item with its key in the ledger. */
export type KeyedItem<Item> = Item & {
	key: string;
	/** The task of the key may have been asked for something else. */
	changed: boolean;
};

/** The keys of an item in a run, as far as an earlier try has noted them: one, or one for each part. */
export function keysOfItem(store: ItemStore, run: number, item: number): string[] {
	return Object.entries(store).flatMap(([place, { key }]) =>
		place.startsWith(`${run}:item`) && place.endsWith(`:${item}`) ? [key] : [],
	);
}

/**
 * Gives the items of a try their keys in the ledger. An item keeps the task that it has from an earlier try when it
 * asks for the same; and also when it asks for something else although its recipe is the same, because then only what
 * the expressions give has changed (the time of day, a link signed anew).
 * @param store what this function noted in earlier tries; is brought up to date
 */
export function keysOf<Item extends AskedItem>(
	asked: Item[],
	ledger: Ledger,
	store: ItemStore,
): Array<KeyedItem<Item>> {
	const twins = new Map<string, number>();
	const exact = asked.map((one) => {
		const { fingerprint } = one;
		const twin = twins.get(fingerprint) ?? 0;
		twins.set(fingerprint, twin + 1);
		return { ...one, key: ledger.key(fingerprint, twin) };
	});
	const places = asked.map(({ item, part }) =>
		ledger.key(part === undefined ? 'item' : `item ${part}`, item),
	);
	const chosen = exact.map(({ key }) => key);
	/** Which item has each task. */
	const holders = new Map<string, number>();
	for (const [index, key] of chosen.entries()) {
		if (ledger.knows(key)) holders.set(key, index);
	}
	/** Gives an item the task that it had before. An item that asks for just that goes back to its own, if it can. */
	const keep = (index: number, path = new Set<number>()): boolean => {
		if (path.has(index)) return false;
		path.add(index);
		const { key, recipe } = store[places[index] ?? ''] ?? {};
		if (key === undefined || recipe !== asked[index]?.recipe) return false;
		if (!ledger.knows(key)) return false;
		const holder = holders.get(key);
		if (holder !== undefined && !keep(holder, path)) return false;
		holders.set(key, index);
		chosen[index] = key;
		return true;
	};
	for (const [index, { key }] of exact.entries()) {
		if (!ledger.knows(key)) keep(index);
	}
	return exact.map((one, index) => {
		const key = chosen[index] ?? one.key;
		store[places[index] ?? ''] = { key, recipe: one.recipe };
		return { ...one, key, changed: key !== one.key };
	});
}
