/** The user's input cannot be used. Raised before anything is uploaded or billed. */
export class InputError extends Error {
	constructor(
		message: string,
		/** What to do about it, one sentence. */
		readonly hint: string,
	) {
		super(message);
		this.name = 'InputError';
	}
}
