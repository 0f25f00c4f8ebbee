/**
 * What can go wrong with a DashScope call, and what the user can do about it.
 * The codes are those of the error-code page of Model Studio; the advice is this project's. Pure.
 */

/**
 * What the failure says about the work:
 * - `rejected`: an answer with a definite no; nothing was done
 * - `throttled`: 429 that passes with time; nothing was done
 * - `unreachable`: no connection was made; nothing was done
 * - `answered`: 5xx, or what a proxy that gave up says, with DashScope's own envelope (code, message, request ID), as
 *   of an overloaded service; the work may have been done, and the request ID tells
 * - `server`: any other of these, such as a gateway's page; the work may have been done
 * - `lost`: the connection broke or timed out after sending; the work may have been done
 * - `garbled`: an answer that makes no sense; the work may have been done
 */
export type FailureKind =
	| 'rejected'
	| 'throttled'
	| 'unreachable'
	| 'answered'
	| 'server'
	| 'lost'
	| 'garbled';

/** What is known of a call that failed. */
export interface FailureFacts {
	kind: FailureKind;
	/** DashScope's error code, such as "InvalidApiKey", or the socket's, such as "ECONNRESET". */
	code?: string;
	httpStatus?: number;
	requestId?: string;
	/** How long the service asked to wait before another try, in milliseconds. */
	retryAfterMs?: number;
	/** ID of a task that the answer names although it is an error. */
	taskId?: string;
	/** What the user can do, one sentence. */
	hint?: string;
}

/** A call that did not bring what was asked for. The message is DashScope's own or says what broke. */
export class DashScopeError extends Error implements FailureFacts {
	readonly kind: FailureKind;
	readonly code?: string;
	readonly httpStatus?: number;
	readonly requestId?: string;
	readonly retryAfterMs?: number;
	readonly taskId?: string;
	readonly hint?: string;

	constructor(message: string, facts: FailureFacts) {
		super(message);
		this.name = 'DashScopeError';
		this.kind = facts.kind;
		this.code = facts.code;
		this.httpStatus = facts.httpStatus;
		this.requestId = facts.requestId;
		this.retryAfterMs = facts.retryAfterMs;
		this.taskId = facts.taskId;
		this.hint = withPause(facts.hint, facts.retryAfterMs);
	}
}

/** Advice that tells the time of another try, where the service asked for a pause of more than a minute. */
function withPause(hint: string | undefined, retryAfterMs = 0): string | undefined {
	const minutes = Math.ceil(retryAfterMs / 60_000);
	if (minutes <= 1) return hint;
	const pause = minutes <= 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
	return hint?.replace(/\b(try again) (in a minute|later)\b/i, `$1 in ${pause}`);
}

/** Whether the same call may be sent again without any risk of doing the work twice. */
export function nothingWasDone(kind: FailureKind): boolean {
	return kind === 'rejected' || kind === 'throttled' || kind === 'unreachable';
}

/** Whether a read (query, list, policy) is worth another try. */
export function mayPass(kind: FailureKind): boolean {
	return kind !== 'rejected';
}

/** Account states that answer with 429 but do not pass by waiting. */
const STANDING_429 = /^(CommodityNotPurchased|PrepaidBillOverdue|PostpaidBillOverdue)$/;

/**
 * Statuses below 500 with which a proxy says that it waited for the service in vain, or that its client left
 * meanwhile: 408, and those of nginx (444, 499) and of Amazon's load balancer (460).
 */
const GAVE_UP = new Set([408, 444, 460, 499]);

/** What is needed of an HTTP error answer to classify it. */
export interface ErrorAnswer {
	status: number;
	code?: string;
	message?: string;
	requestId?: string;
}

/**
 * Classifies an HTTP error answer by code first, then by status. Only a status that says so is taken for a definite
 * no: what is none of HTTP's error statuses says nothing about the work.
 */
export function kindOf({ status, code, message, requestId }: ErrorAnswer): FailureKind {
	if (status === 429) {
		const standing =
			STANDING_429.test(code ?? '') || /free allocated quota exceeded/i.test(message ?? '');
		return standing ? 'rejected' : 'throttled';
	}
	if (status >= 500 || GAVE_UP.has(status)) {
		const whole = code !== undefined && message !== undefined && requestId !== undefined;
		return whole ? 'answered' : 'server';
	}
	return status >= 300 ? 'rejected' : 'garbled';
}

interface Advice {
	code: RegExp;
	message?: RegExp;
	hint: string;
}

const NOT_ACCEPTED =
	'A file is not what DashScope accepts: videos as MP4 or MOV, images as JPEG, PNG without transparency, BMP or WEBP. Convert it and run again. A URL must lead to the file itself, not to a page that shows it.';

/** "Missing Content-Length of multimodal url" and "Wrong Content-Type of multimodal url". */
const HOST_AT_FAULT = /Content-(Length|Type) of multimodal url/i;

/** First match wins: narrow rows stand above wide ones. */
const ADVICE: readonly Advice[] = [
	{
		code: /^InvalidApiKey$/,
		hint: 'The API key may be wrong, or it belongs to another region: check that the whole key was copied, and that Region in the DashScope credential is where it was created. The key of a subscription plan needs the Base URL of that plan.',
	},
	{
		code: /^invalid access token/i,
		hint: "This looks like a subscription-plan key or an expired temporary key: set the plan's host as the custom Base URL, or renew the key.",
	},
	{
		code: /^NOT ?AUTHORIZED$/i,
		hint: 'The key is not allowed to use this workspace or host: check the workspace ID in the DashScope credential.',
	},
	{
		code: /^Arrearage$|BillOverdue$|^CommodityNotPurchased$/,
		hint: 'The Alibaba Cloud account has an unpaid balance or lacks the service: settle it in the billing console, then run again.',
	},
	{
		code: /^AllocationQuota\.FreeTierOnly$/,
		hint: 'The free quota is used up and the account is set to free use only: switch that setting off in the Model Studio console, or, for a new account, verify your identity and top up.',
	},
	{
		code: /^AccessDenied\.Unpurchased$/,
		hint: 'Activate Model Studio for this Alibaba Cloud account first.',
	},
	{
		code: /^(Model|Workspace|App)\.AccessDenied$/,
		hint: "The key's workspace may not use this model: grant it access in the Model Studio console, or use a key of another workspace.",
	},
	{
		code: /^Endpoint\.AccessDenied$/,
		hint: "The key does not belong to the workspace in the DashScope credential: empty 'Workspace ID', or use a key of that workspace. With the right key, the model may have been retired.",
	},
	{
		code: /^AccessDenied$/,
		message: /Policy expired/i,
		hint: 'The upload took longer than its permission lasts. Run the node again, or use a URL.',
	},
	{
		code: /^AccessDenied$/,
		message: /^access denied\.?$/i,
		hint: 'The key may not use this model: check the key, its workspace and its region. The model may also need an application in the Model Studio console, or its free quota is used up.',
	},
	{
		code: /^(ModelNotFound|WorkSpaceNotFound|NotFound)$|^InvalidParameter$/,
		message: /model not exist|not found|url error|check url/i,
		hint: 'This model is not available at this host: check the model ID and the region of the DashScope credential.',
	},
	{
		code: /^(ModelNotFound|WorkSpaceNotFound|NotFound)$/,
		hint: 'Check the model ID, the workspace ID and the region of the DashScope credential.',
	},
	{
		code: /^InvalidParameter(\.DataInspection)?$/,
		message: /download|timed out|find the requested/i,
		hint: 'DashScope could not download a file in time. The URL must be public, fast, and lead to the file itself, not to a page that shows it. Or use a binary file, which is uploaded.',
	},
	{
		code: /^InvalidParameter(\.DataInspection)?$/,
		message: /authorization to access/i,
		hint: 'A signed URL has expired or is wrong. Create one that lasts at least an hour, or use a binary file.',
	},
	{
		code: /^InvalidParameter$/,
		message:
			/(media|files?|image|video) format|decode the image|cannot be opened|read (image|video) error|invalid video file/i,
		hint: NOT_ACCEPTED,
	},
	{
		code: /^InvalidParameter\.DataInspection$|^InvalidFile\.(Format|Openerror)$|^InvalidImage(Format|\.FileFormat)$/,
		hint: NOT_ACCEPTED,
	},
	{
		code: /^DataInspectionFailed$/,
		message: /output/i,
		hint: 'Content moderation refused the result. Another seed or a milder prompt may pass.',
	},
	{
		code: /^DataInspectionFailed$|^CustomRoleBlocked$/,
		hint: 'Content moderation refused the prompt or a file. Change the prompt or the media.',
	},
	{
		code: /^IPInfringementSuspect$/,
		hint: 'DashScope suspects protected content: change the prompt or the media.',
	},
	{
		code: /^InvalidURL|^InvalidFile\.DownloadFailed$|^BadRequest\.InputDownloadFailed$/,
		hint: 'DashScope could not download a file from its URL. The URL must be public and lead to the file itself, not to a page that shows it or asks for a login. Or use a binary file.',
	},
	{
		code: /^InvalidFile\.Size$|^BadRequest\.TooLarge$/,
		hint: 'A file is larger than the model takes: the limits are shown below the fields of the node.',
	},
	{
		code: /^InvalidFile\.Duration$/,
		hint: 'The video is shorter or longer than the model takes: the limits are shown below the fields of the node.',
	},
	{
		code: /^InvalidFile\.(Resolution|AspectRatio)$|^Invalid(File|Image)\.ImageSize$|^InvalidImageResolution$/,
		hint: 'Width, height or aspect ratio are outside what the model takes: the limits are shown below the fields of the node.',
	},
	{
		code: /^InvalidInputLength$/,
		hint: 'Width, height or file size of an image are outside what the model takes: the limits are shown below the fields of the node.',
	},
	{
		code: /^InvalidFile\.FPS$/,
		hint: 'The frame rate of the video is too low or too high for the model: export it with 24 or 30 frames per second.',
	},
	{
		code: /^InvalidPerson$|^Invalid(File|Image|Video)\.(NoHuman(Face)?|MultiHuman|BodyProportion|FacePose|FrontBody|FullFace|FullBody|BodyPose|FaceNotMatch|Content|Value)$/,
		hint: "The image and the first frame of the video must each show one person, large, sharp, facing the camera and not covered. Use other files: the same ones fail again. Switching 'Check Image' off skips the check of the image only.",
	},
	{
		code: /^InvalidFile\./,
		hint: 'Re-encode the video as H.264 MP4.',
	},
	{
		code: /^InvalidParameter$/,
		message: /size is not match/i,
		hint: 'The dimensions of the media are not accepted: use even numbers within the limits that are shown below the fields of the node.',
	},
	{
		code: /^InvalidParameter$/,
		message: /field required/i,
		hint: 'The model and the fields do not match: choose the operation that is made for this model.',
	},
	{
		code: /^UnsupportedOperation$/,
		hint: 'Only a task that is still waiting (PENDING) can be canceled; a running one keeps running and will be billed if it succeeds.',
	},
	{
		code: /^Throttling\.AllocationQuota$/,
		message: /free/i,
		hint: 'The free quota is used up: switch the account to paid use in the Model Studio console.',
	},
	{
		code: /^Throttling\.AllocationQuota$/,
		hint: "The account's quota for this model is used up: try again later, or have the quota raised in the Model Studio console.",
	},
	{
		code: /^Throttling|^LimitRequests$/,
		hint: 'The account sent more requests than it may (limits are shared by all of its keys). Try again in a minute, or spread the runs.',
	},
	{
		code: /^RewriteFailed$/,
		hint: "The service could not rewrite the prompt: try again, or switch the option 'Extend Prompt' off.",
	},
	{
		code: /^InternalError\.Timeout$/,
		hint: 'The service gave up on the task after about three hours; it is not billed. Run it again later.',
	},
	{
		code: /^(InternalError\.Algo|InvalidParameter)$/,
		message: HOST_AT_FAULT,
		hint: 'The host of a URL does not tell the size or type of the file, which DashScope needs. Use a binary field, whose file is uploaded, or another host: the same URL fails again.',
	},
	{
		code: /^InternalError\.(Algo|FileUpload|Upload)$/,
		hint: 'The service failed on this task; it is not billed. Run it again; if it keeps failing, change the video or the prompt.',
	},
	{
		code: /^(InternalError|SystemError|ModelServiceFailed|RequestTimeOut|ModelServingError|ModelUnavailable)/,
		hint: 'The service is unavailable or overloaded. Try again later.',
	},
	{
		code: /^(InvalidParameter|BadRequest)/,
		hint: 'DashScope did not accept one of the values. Compare the message with the fields of the node.',
	},
	{
		code: /^AccessDenied/,
		hint: 'The key may not do this: check the key, its workspace and its region.',
	},
];

/** Codes as the OpenAI-compatible interface and gateways spell them, with those that the same row of the page names. */
const OTHER_SPELLINGS: ReadonlyMap<string, string> = new Map([
	['invalid_api_key', 'InvalidApiKey'],
	['access_denied', 'AccessDenied'],
	['model_not_found', 'ModelNotFound'],
	['data_inspection_failed', 'DataInspectionFailed'],
	['limit_requests', 'LimitRequests'],
	['limit_burst_rate', 'Throttling.BurstRate'],
	['insufficient_quota', 'Throttling.AllocationQuota'],
	['internal_error', 'InternalError'],
]);

/**
 * One sentence on what to do about an error code, or undefined where there is nothing to add.
 * @param code DashScope's `code`, from an HTTP error or a FAILED task
 * @param message DashScope's `message`; tells apart codes that serve several causes
 */
export function adviceFor(code: string, message = ''): string | undefined {
	const name = OTHER_SPELLINGS.get(code) ?? code;
	return ADVICE.find((row) => row.code.test(name) && (row.message?.test(message) ?? true))?.hint;
}

/** Whether a FAILED task asks for a new task rather than for other input (error-code page, 500s). */
export function asksForNewTask(code: string, message = ''): boolean {
	if (HOST_AT_FAULT.test(message)) return false;
	return /^InternalError(\.(Algo|FileUpload|Upload|Timeout))?$|^RewriteFailed$|^(SystemError|ModelServiceFailed|ModelServingError|ModelUnavailable)$/.test(
		code,
	);
}
