import { setImmediate as turn } from 'node:timers/promises';
import type {
	DeduplicationItemTypes,
	DeduplicationScope,
	ICheckProcessedContextData,
	ICheckProcessedOptions,
	IDataDeduplicator,
	IDeduplicationOutput,
} from 'n8n-workflow';

/** What n8n 2.41.1 keeps of processed items in its database, read and written as it does: whole, and without a lock. */
export class ProcessedData implements IDataDeduplicator {
	readonly rows = new Map<string, DeduplicationItemTypes[]>();
	/** Calls that fail from now on. */
	broken: Array<'check' | 'remove'> = [];

	async checkProcessedAndRecord(
		items: DeduplicationItemTypes[],
		_scope: DeduplicationScope,
		context: ICheckProcessedContextData,
		{ maxEntries }: ICheckProcessedOptions,
	): Promise<IDeduplicationOutput> {
		const read = await this.read('check', context);
		const fresh = items.filter((item) => !read.includes(item));
		const all = [...read, ...fresh];
		this.write(context, maxEntries === undefined ? all : all.slice(-maxEntries));
		return { new: fresh, processed: items.filter((item) => read.includes(item)) };
	}

	async removeProcessed(
		items: DeduplicationItemTypes[],
		_scope: DeduplicationScope,
		context: ICheckProcessedContextData,
	): Promise<void> {
		const read = await this.read('remove', context);
		this.write(
			context,
			read.filter((item) => !items.includes(item)),
		);
	}

	async clearAllProcessedItems(
		_scope: DeduplicationScope,
		context: ICheckProcessedContextData,
	): Promise<void> {
		await Promise.resolve(this.write(context, []));
	}

	async getProcessedDataCount(
		_scope: DeduplicationScope,
		context: ICheckProcessedContextData,
	): Promise<number> {
		return await Promise.resolve(this.entries(context).length);
	}

	entries(context: ICheckProcessedContextData): DeduplicationItemTypes[] {
		return this.rows.get(placeOf(context)) ?? [];
	}

	private async read(
		call: 'check' | 'remove',
		context: ICheckProcessedContextData,
	): Promise<DeduplicationItemTypes[]> {
		const read = this.entries(context);
		await turn();
		if (this.broken.includes(call)) throw new Error('The database is locked');
		return read;
	}

	private write(context: ICheckProcessedContextData, items: DeduplicationItemTypes[]): void {
		this.rows.set(placeOf(context), items);
	}
}

function placeOf({ workflow, node }: ICheckProcessedContextData): string {
	return `${workflow.id} ${node?.id}`;
}
