/** Items whose video was edited in pieces: their tasks become one item again, and their videos one video. */
import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import type { Task } from '../dashscope/types';
import { InputError } from '../inputError';
import { joinClips } from '../media/mp4/join';
import type { JoinOptions } from '../media/mp4/join';
import { ClipError } from '../media/mp4/source';
import type { ByteSource, ClipFile } from '../media/mp4/source';
import { describePiece, sourceOf } from '../media/pieces';
import type { Piece } from '../media/pieces';
import type { BinaryFile } from '../media/types';
import { capitalized } from '../media/wording';
import type { Duplicate } from '../tasks/duplicates';
import { TaskError } from '../tasks/errors';
import { duplicatesSentence } from '../tasks/outcome';
import { toError } from '../thrown';
import { fileOf, stored } from './binary';
import { inShort, throwIfStopped } from './failures';
import type { FailedPieces, SettledItem, SettledTask } from './handOn';
import { pieceJson } from './items';

const MP4 = 'video/mp4';

/** What is told where the sound of the original cannot be used. */
const OWN_SOUND = 'The joined video has the sound of the pieces.';

/** Which piece of its item's video a task edits. Plain JSON. */
export interface ClipPlace extends Piece {
	/** ID in n8n's binary store of the file whose sound the joined video gets; absent: that of the pieces. */
	sound?: string;
	/** Its ID after the execution was suspended, if n8n renames it then. */
	soundLater?: string;
}

/** A piece whose task has succeeded. */
export interface FinishedPiece {
	clip: ClipPlace;
	task: Task;
	video?: IBinaryData;
}

/** An item all of whose pieces are finished. */
export interface JoinedPieces {
	state: 'joined';
	/** In their order. */
	pieces: FinishedPiece[];
	/** Absent where they could not be joined: then the pieces are handed on. */
	video?: IBinaryData;
	/** For the user. */
	notes: string[];
	duplicates?: Duplicate[];
}

type PieceItem = SettledItem & { clip: ClipPlace; outcome: SettledTask };

/**
 * Puts the pieces of each item together, in their order. One piece that failed fails its item, with an error that
 * names the place and what became of the other pieces. Nothing is joined yet.
 */
export function gathered(settled: SettledItem[]): SettledItem[] {
	const groups = new Map<number, PieceItem[]>();
	const whole = settled.filter(({ output, outcome }) => {
		const { clip, item } = output;
		if (clip === undefined || outcome.state === 'joined' || 'tasks' in outcome) return true;
		groups.set(item, [...(groups.get(item) ?? []), { output, outcome, clip }]);
		return false;
	});
	return [...whole, ...[...groups.values()].flatMap(gather)];
}

function gather(items: PieceItem[]): SettledItem[] {
	const pieces = [...items].sort((one, other) => one.clip.number - other.clip.number);
	const [first] = pieces;
	if (first === undefined) return [];
	const output = { ...first.output, clip: undefined };
	const finished = pieces.flatMap(({ clip, outcome }) =>
		outcome.state === 'finished' ? [{ ...outcome, clip }] : [],
	);
	// Where another item ends the node, nothing is wrong with one whose pieces are only under way.
	if (pieces.some(({ outcome }) => outcome.state === 'failed')) {
		return [{ output, outcome: failedItem(pieces, finished) }];
	}
	if (finished.length < pieces.length) return pieces;
	const duplicates = finished.flatMap((piece) => piece.duplicates ?? []);
	const notes = ['The pieces were not joined: they are in binary fields of their own.'];
	return [
		{
			output,
			outcome: {
				state: 'joined',
				pieces: finished,
				notes,
				...(duplicates.length === 0 ? {} : { duplicates }),
			},
		},
	];
}

function failedItem(
	pieces: PieceItem[],
	finished: Array<FinishedPiece & { duplicates?: Duplicate[] }>,
): FailedPieces {
	const failed = pieces.flatMap(({ clip, outcome }) =>
		outcome.state === 'failed' ? [{ clip, error: outcome.error }] : [],
	);
	const open = pieces.flatMap(({ clip, outcome }) =>
		outcome.state === 'submitted' ? [{ clip, taskId: outcome.job.taskId }] : [],
	);
	const [first, ...others] = failed.map(({ clip, error }) => {
		const where = capitalized(describePiece(clip));
		return {
			clip,
			error,
			message: `${where}: ${error.message}`,
			all: `${where}: ${inShort(error)}`,
		};
	});
	const named = (list: Array<{ clip: ClipPlace; taskId: string }>) =>
		list.map(({ clip, taskId }) => `piece ${clip.number} (task ${taskId})`).join(', ');
	const done = finished.map(({ clip, task: { taskId } }) => ({ clip, taskId }));
	const duplicates = finished.flatMap((piece) => piece.duplicates ?? []);
	const hint = [
		first?.error.hint,
		...others.map(({ all }) => (all.endsWith('.') ? all : `${all}.`)),
		done.length === 0
			? ''
			: `Finished: ${named(done)}. 'Retry execution' submits only what failed and joins all, unless the execution had been suspended: then get the videos with 'Task: Get Status' within 24 hours, and join them with 'Video: Join'.`,
		open.length === 0 ? '' : `Still under way: ${named(open)}.`,
		duplicatesSentence(duplicates),
	];
	const { number: piece, of, from, to } = first?.clip ?? { number: 0, of: 0, from: 0, to: 0 };
	const second = [first?.error.details.duplicateTaskIds, ...duplicates.map(({ taskId }) => taskId)];
	const details = {
		...first?.error.details,
		duplicateTaskIds: second.filter((id) => id !== undefined).join(', ') || undefined,
		piece,
		pieces: of,
		from,
		to,
		finishedPieces: finished.map(pieceJson),
		openTaskIds: open.map(({ taskId }) => taskId).join(', ') || undefined,
	};
	return {
		state: 'failed',
		error: new TaskError(first?.message ?? '', hint.filter(Boolean).join(' '), details),
		tasks: finished.map(({ task }) => task),
	};
}

/**
 * {@link gathered}, with the videos of each item joined into one. Pieces that do not fit together are left as they
 * are, with a note that says why. Nothing is joined where a failure is going to end the node.
 * @param continueOnFail the user's setting, where the node that runs is not the user's own
 * @throws StoppedError after Stop
 */
export async function joinPieces(
	functions: IExecuteFunctions,
	settled: SettledItem[],
	continueOnFail = functions.continueOnFail(),
): Promise<SettledItem[]> {
	const items: SettledItem[] = [];
	const whole = gathered(settled);
	if (!continueOnFail && whole.some(({ outcome }) => outcome.state === 'failed')) return whole;
	for (const { output, outcome } of whole) {
		const open = outcome.state === 'joined' && outcome.video === undefined;
		items.push({ output, outcome: open ? await join(functions, outcome) : outcome });
	}
	return items;
}

async function join(functions: IExecuteFunctions, outcome: JoinedPieces): Promise<JoinedPieces> {
	const { pieces } = outcome;
	const opened: ByteSource[] = [];
	const open = (file: BinaryFile) => {
		const source = sourceOf(file);
		opened.push(source);
		return source;
	};
	try {
		const sources: ByteSource[] = [];
		for (const { clip, video } of pieces) {
			if (video === undefined) return outcome;
			sources.push(open(await fileOf(functions, video, `Video of piece ${clip.number}`)));
		}
		const [first] = pieces;
		if (first?.video === undefined) return outcome;
		const cuts = [first.clip.from, ...pieces.map(({ clip }) => clip.to)];
		const original = first.clip.sound;
		const kept = await firstStored(functions, [original, first.clip.soundLater]);
		const ways: JoinOptions[] = [{ cuts }, {}];
		if (kept !== undefined) ways.unshift({ cuts, sound: open(kept) });
		const { file, notes } = await firstThatFits(sources, ways);
		if (original !== undefined && kept === undefined)
			notes.push(`The original was not found. ${OWN_SOUND}`);
		const name = `${first.task.taskId}.mp4`;
		const video = await storeClip(functions, file, first.video, name);
		return { ...outcome, video, notes };
	} catch (thrown) {
		throwIfStopped(functions);
		const error = toError(thrown);
		const why = `The pieces could not be joined, and are in binary fields of their own: ${error.message}.`;
		const isHinted = error instanceof ClipError || error instanceof InputError;
		const hint = isHinted ? ` ${error.hint}` : '';
		return { ...outcome, notes: [`${why}${hint}`] };
	} finally {
		await Promise.all(opened.map(async (source) => await source.close()));
	}
}

/** The file of the first of these IDs that n8n's binary store has. */
async function firstStored(functions: IExecuteFunctions, ids: Array<string | undefined>) {
	for (const id of ids) {
		if (id === undefined) continue;
		const file = await stored(functions, id, 'Original').catch(() => undefined);
		if (file !== undefined) return file;
	}
	return undefined;
}

/** Joins them in the first of these ways that fits, with notes on those that did not. */
async function firstThatFits(sources: ByteSource[], ways: JoinOptions[]) {
	const refused: string[] = [];
	for (const [index, way] of ways.entries()) {
		try {
			const { file, notes } = await joinClips(sources, way);
			const lost = ways[0]?.sound !== undefined && way.sound === undefined ? [OWN_SOUND] : [];
			return { file, notes: [...refused, ...lost, ...notes] };
		} catch (error) {
			if (!(error instanceof ClipError) || index === ways.length - 1) throw toError(error);
			refused.push(`${error.message}.`);
		}
	}
	throw new Error('There is no way to join them');
}

/**
 * Puts an MP4 into n8n's binary store as it is written.
 * @param other any file that came from the store: it is kept as that one is
 * @throws StoppedError after Stop
 */
export async function storeClip(
	functions: IExecuteFunctions,
	clip: ClipFile | BinaryFile,
	other: IBinaryData,
	fileName: string,
): Promise<IBinaryData> {
	async function* content(): AsyncGenerator<Uint8Array> {
		let written = 0;
		const chunks = 'chunks' in clip ? clip.chunks() : await clip.open();
		for await (const chunk of chunks) {
			throwIfStopped(functions);
			written += chunk.byteLength;
			yield chunk;
		}
		if (written !== clip.size)
			throw new Error(`Only ${written} of ${clip.size} bytes were written`);
	}
	const { getBinaryStream, prepareBinaryData } = functions.helpers;
	if (other.id !== undefined) {
		// A published node may not import streams: one that n8n gives is turned into that of the new file.
		const stream = (await getBinaryStream(other.id)).take(1).flatMap(content);
		return await prepareBinaryData(stream, fileName, MP4);
	}
	// Here n8n keeps files in memory.
	const parts: Uint8Array[] = [];
	for await (const chunk of content()) parts.push(chunk);
	return await prepareBinaryData(Buffer.concat(parts), fileName, MP4);
}
