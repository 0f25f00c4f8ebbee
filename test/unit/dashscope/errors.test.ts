import {
	DashScopeError,
	adviceFor,
	asksForNewTask,
	kindOf,
	mayPass,
	nothingWasDone,
} from '../../../nodes/shared/dashscope/errors';
import type { FailureKind } from '../../../nodes/shared/dashscope/errors';

/** Rows of the service's error-code page: status, code, message, kind, and a word the advice must have. */
const ROWS: ReadonlyArray<
	readonly [status: number, code: string, message: string, kind: FailureKind, advice: RegExp]
> = [
	[400, 'InvalidParameter', 'Required body invalid', 'rejected', /Compare the message/],
	[400, 'InvalidParameter', 'Field required: input.media', 'rejected', /made for this model/],
	[400, 'InvalidParameter', 'url error, check url!', 'rejected', /model ID and the region/],
	[400, 'InvalidParameter', 'url error, please check url', 'rejected', /model ID and the region/],
	[400, 'InvalidParameter', 'Model not exist.', 'rejected', /model ID and the region/],
	[400, 'InvalidParameter', 'The size is not match the limit', 'rejected', /even numbers/],
	[
		400,
		'InvalidParameter.DataInspection',
		'Unable to download the media resource during the data inspection process.',
		'rejected',
		/public, fast, and lead to the file itself.*uploaded/,
	],
	[
		400,
		'InvalidParameter.DataInspection',
		'Download the media resource timed out during the data inspection process.',
		'rejected',
		/public, fast, and lead to the file itself.*uploaded/,
	],
	[
		400,
		'InvalidParameter.DataInspection',
		"Don't have authorization to access the media resource",
		'rejected',
		/signed URL/i,
	],
	[
		400,
		'InvalidParameter.DataInspection',
		'The media format is not supported or incorrect for the data inspection.',
		'rejected',
		/MP4 or MOV/,
	],
	[
		400,
		'InvalidParameter.DataInspection',
		'Failed to decode the image during the data inspection.',
		'rejected',
		/JPEG, PNG/,
	],
	[
		400,
		'DataInspectionFailed',
		'Input data may contain inappropriate content.',
		'rejected',
		/Change the prompt or the media/,
	],
	[
		400,
		'DataInspectionFailed',
		'Output data may contain inappropriate content.',
		'rejected',
		/Another seed/,
	],
	[400, 'IPInfringementSuspect', 'Input data is suspected', 'rejected', /[Cc]hange the prompt/],
	[400, 'CustomRoleBlocked', 'blocked', 'rejected', /[Cc]hange the prompt/],
	[400, 'InvalidURL', 'The URL is invalid', 'rejected', /public and lead to the file itself/],
	[
		400,
		'InvalidURL.ConnectionRefused',
		'refused',
		'rejected',
		/public and lead to the file itself/,
	],
	[400, 'InvalidURL.Timeout', 'timed out', 'rejected', /public and lead to the file itself/],
	[400, 'InvalidFile.Size', 'too big', 'rejected', /larger than the model takes/],
	[400, 'InvalidFile.Duration', 'too long', 'rejected', /shorter or longer/],
	[400, 'InvalidFile.Resolution', 'too small', 'rejected', /Width, height/],
	[400, 'InvalidFile.AspectRatio', 'too wide', 'rejected', /aspect ratio/],
	[400, 'InvalidFile.FPS', 'too slow', 'rejected', /frame rate.* 24 or 30/],
	[400, 'InvalidFile.Format', 'what is it', 'rejected', /MP4 or MOV/],
	[400, 'InvalidFile.Openerror', 'cannot open', 'rejected', /MP4 or MOV/],
	[400, 'InvalidImageFormat', 'what is it', 'rejected', /MP4 or MOV/],
	[400, 'InvalidImage.FileFormat', 'what is it', 'rejected', /MP4 or MOV/],
	[400, 'InvalidFile.ImageSize', 'beyond limit', 'rejected', /Width, height/],
	[400, 'InvalidImage.ImageSize', 'beyond limit', 'rejected', /Width, height/],
	[400, 'InvalidImageResolution', 'too small', 'rejected', /Width, height/],
	[400, 'InvalidInputLength', 'too small', 'rejected', /Width, height or file size/],
	[400, 'InvalidFile.Other', 'something else', 'rejected', /Re-encode/],
	[400, 'InvalidFile.DownloadFailed', 'no file', 'rejected', /public and lead to the file itself/],
	[400, 'BadRequest.EmptyInput', 'no input', 'rejected', /Compare the message/],
	[400, 'BadRequest.EmptyParameters', 'no parameters', 'rejected', /Compare the message/],
	[400, 'BadRequest.EmptyModel', 'no model', 'rejected', /Compare the message/],
	[400, 'BadRequest.IllegalInput', 'bad input', 'rejected', /Compare the message/],
	[
		400,
		'BadRequest.InputDownloadFailed',
		'no file',
		'rejected',
		/public and lead to the file itself/,
	],
	[400, 'BadRequest.TooLarge', 'too large', 'rejected', /larger than the model takes/],
	[
		400,
		'Arrearage',
		'Access denied, please make sure your account is in good standing.',
		'rejected',
		/unpaid balance/,
	],
	[400, 'UnsupportedOperation', 'Failed to cancel the task', 'rejected', /PENDING/],
	[
		400,
		'InvalidParameter',
		"Request method 'GET' is not supported.",
		'rejected',
		/Compare the message/,
	],
	[401, 'InvalidApiKey', 'Invalid API-key provided.', 'rejected', /wrong.*another region/],
	[401, 'InvalidApiKey', 'No API-key provided.', 'rejected', /wrong.*another region/],
	[401, 'invalid access token or token expired', '', 'rejected', /plan.*renew/],
	[401, 'NOT AUTHORIZED', '', 'rejected', /workspace ID/],
	[
		403,
		'AccessDenied',
		'current user api does not support synchronous calls.',
		'rejected',
		/key, its workspace and its region/,
	],
	[
		403,
		'AccessDenied',
		'current user api does not support asynchronous calls.',
		'rejected',
		/key, its workspace and its region/,
	],
	[
		403,
		'AccessDenied',
		'Invalid according to Policy: Policy expired.',
		'rejected',
		/Run the node again, or use a URL/,
	],
	[403, 'AccessDenied', 'Access denied.', 'rejected', /application.*free quota is used up/],
	[403, 'AccessDenied.Unpurchased', 'not activated', 'rejected', /Activate Model Studio/],
	[403, 'Model.AccessDenied', 'Model access denied.', 'rejected', /grant it access/],
	[403, 'Workspace.AccessDenied', 'Workspace access denied.', 'rejected', /grant it access/],
	[403, 'App.AccessDenied', 'App access denied.', 'rejected', /grant it access/],
	[
		403,
		'Endpoint.AccessDenied',
		'Workspace endpoint access denied.',
		'rejected',
		/empty 'Workspace ID'.*retired/,
	],
	[403, 'AllocationQuota.FreeTierOnly', 'exhausted', 'rejected', /switch that setting off.*verify/],
	[404, 'ModelNotFound', 'Model can not be found.', 'rejected', /model ID/],
	[404, 'ModelNotFound', 'The model does not exist.', 'rejected', /model ID/],
	[404, 'WorkSpaceNotFound', 'WorkSpace can not be found.', 'rejected', /workspace ID/],
	[404, 'NotFound', 'not found', 'rejected', /model ID and the region/],
	[429, 'Throttling', 'Requests throttling triggered.', 'throttled', /Try again in a minute/],
	[
		429,
		'Throttling.RateQuota',
		'Requests rate limit exceeded, please try again later.',
		'throttled',
		/Try again in a minute/,
	],
	[429, 'LimitRequests', 'You exceeded your rate', 'throttled', /Try again in a minute/],
	[429, 'Throttling.BurstRate', 'Request rate increased too quickly', 'throttled', /spread/],
	[
		429,
		'Throttling.AllocationQuota',
		'Allocated quota exceeded, please increase your quota limit.',
		'throttled',
		/quota/,
	],
	[
		429,
		'Throttling.AllocationQuota',
		'Free allocated quota exceeded.',
		'rejected',
		/free quota is used up/,
	],
	[429, 'CommodityNotPurchased', 'Commodity has not purchased yet.', 'rejected', /billing console/],
	[429, 'PrepaidBillOverdue', 'The prepaid bill is overdue.', 'rejected', /billing console/],
	[429, 'PostpaidBillOverdue', 'The postpaid bill is overdue.', 'rejected', /billing console/],
	[500, 'InternalError', 'An internal error has occured', 'server', /Try again later/],
	[500, 'SystemError', 'system error', 'server', /Try again later/],
	[500, 'ModelServiceFailed', 'Failed to request model service.', 'server', /Try again later/],
	[500, 'RequestTimeOut', 'Request timed out', 'server', /Try again later/],
	[500, 'InternalError.Algo', 'inference failed', 'server', /not billed.*Run it again/],
	[500, 'InternalError.FileUpload', 'oss upload error', 'server', /not billed.*Run it again/],
	[500, 'InternalError.Upload', 'oss upload error', 'server', /not billed.*Run it again/],
	[500, 'InternalError.Timeout', 'timed out', 'server', /three hours.*Run it again/],
	[500, 'RewriteFailed', 'rewrite failed', 'server', /Extend Prompt/],
	[500, 'ModelServingError', 'Too many requests', 'server', /overloaded/],
	[503, 'ModelUnavailable', 'Model is unavailable', 'server', /overloaded/],
];

describe('every row of the error-code page', () => {
	test.each(ROWS)('HTTP %d %s "%s" is %s and has advice', (status, code, message, kind, advice) => {
		expect(kindOf({ status, code, message })).toBe(kind);
		expect(adviceFor(code, message)).toMatch(advice);
	});

	test.each(ROWS)('the advice for HTTP %d %s is whole sentences', (_status, code, message) => {
		expect(adviceFor(code, message)).toMatch(/^[A-Z].*\.$/);
	});

	describe.each(['InvalidParameter', 'InvalidParameter.DataInspection'])('%s', (code) => {
		test.each([
			['Download the media resource timed out during the data inspection process.', /public, fast/],
			['Unable to download the media resource during the data inspection.', /public, fast/],
			['Failed to download multimodal content.', /public, fast/],
			['Failed to find the requested media resource during the data inspection.', /public, fast/],
			["Don't have authorization to access the media resource.", /signed URL/],
			['The media format is not supported or incorrect for the data inspection.', /MP4 or MOV/],
			['The file format is illegal and cannot be opened.', /MP4 or MOV/],
			['Failed to decode the image during the data inspection.', /JPEG, PNG/],
			['Invalid image format or corrupted file', /JPEG, PNG/],
		])('with "%s" is about a file', (message, advice) => {
			expect(adviceFor(code, message)).toMatch(advice);
		});
	});

	test.each([
		'Required body invalid, please check the request body format.',
		'the parameters must conform to the specification: resolution.',
		'No authorization header',
	])('InvalidParameter with "%s" is not about a file', (message) => {
		expect(adviceFor('InvalidParameter', message)).toContain('Compare the message');
	});

	test.each([
		'InvalidPerson',
		'InvalidImage.NoHuman',
		'InvalidImage.MultiHuman',
		'InvalidImage.FullFace',
		'InvalidImage.FrontBody',
		'InvalidImage.NoHumanFace',
		'InvalidVideo.NoHuman',
		'InvalidVideo.FullFace',
		'InvalidFile.NoHuman',
		'InvalidFile.MultiHuman',
		'InvalidFile.BodyProportion',
		'InvalidFile.FacePose',
		'InvalidFile.FrontBody',
		'InvalidFile.FullFace',
		'InvalidFile.FullBody',
		'InvalidFile.BodyPose',
		'InvalidFile.FaceNotMatch',
		'InvalidFile.Content',
		'InvalidFile.Value',
	])('%s is told as a check of the person, which another encoding does not pass', (code) => {
		expect(adviceFor(code, 'no human body')).toMatch(/must each show one person.*'Check Image'/);
		expect(adviceFor(code)).not.toMatch(/encode|Convert/);
		expect(asksForNewTask(code)).toBe(false);
	});

	test.each([
		['invalid_api_key', 'Incorrect API key provided.', /wrong.*another region/],
		['access_denied', 'Access denied.', /application/],
		['access_denied', 'Invalid according to Policy: Policy expired.', /Run the node again/],
		['model_not_found', 'The model xxx does not exist.', /model ID/],
		['data_inspection_failed', 'Output data may contain', /Another seed/],
		['limit_requests', 'You exceeded your current requests list.', /Try again in a minute/],
		['limit_burst_rate', 'Request rate increased too quickly.', /spread/],
		['insufficient_quota', 'You exceeded your current quota, please check', /quota raised/],
		['internal_error', 'An internal error has occured', /Try again later/],
	])('%s is another spelling of a code', (code, message, advice) => {
		expect(adviceFor(code, message)).toMatch(advice);
	});

	test('a used-up quota is not told to try again in a minute', () => {
		for (const message of ['Free allocated quota exceeded.', 'Allocated quota exceeded, please']) {
			expect(adviceFor('Throttling.AllocationQuota', message)).not.toContain('in a minute');
		}
	});

	test.each(['', 'HTTP 502', 'SomethingNew', 'ECONNRESET'])(
		'for the code %j there is nothing to add',
		(code) => {
			expect(adviceFor(code, 'whatever')).toBeUndefined();
		},
	);
});

describe('kinds of failures', () => {
	test.each([
		['rejected', true, false],
		['throttled', true, true],
		['unreachable', true, true],
		['server', false, true],
		['lost', false, true],
		['garbled', false, true],
		['answered', false, true],
	] as const)('%s: nothing was done = %s, a read may pass = %s', (kind, nothing, passes) => {
		expect(nothingWasDone(kind)).toBe(nothing);
		expect(mayPass(kind)).toBe(passes);
	});

	test.each([408, 444, 460, 499, 500, 501, 502, 503, 504, 520, 599])(
		'HTTP %d may come from a gateway after the work was done, whatever its code',
		(status) => {
			expect(kindOf({ status, code: 'InvalidParameter' })).toBe('server');
		},
	);

	test.each([302, 400, 401, 403, 404, 405, 413, 415, 422])(
		'HTTP %d is a definite no, whatever its code',
		(status) => {
			expect(kindOf({ status, code: 'InternalError', message: '', requestId: 'r' })).toBe(
				'rejected',
			);
		},
	);
});

describe('failed tasks that ask for a new task', () => {
	test.each([
		'InternalError',
		'InternalError.Algo',
		'InternalError.FileUpload',
		'InternalError.Upload',
		'InternalError.Timeout',
		'RewriteFailed',
		'SystemError',
		'ModelServiceFailed',
		'ModelServingError',
		'ModelUnavailable',
	])('%s does', (code) => {
		expect(asksForNewTask(code)).toBe(true);
	});

	test.each([
		'InvalidParameter',
		'InvalidParameter.DataInspection',
		'DataInspectionFailed',
		'IPInfringementSuspect',
		'InvalidURL',
		'InvalidFile.Duration',
		'Arrearage',
		'InternalErrorOfMine',
		'',
	])('%j does not: the same input would fail again', (code) => {
		expect(asksForNewTask(code)).toBe(false);
	});

	test('one whose URL tells no size does not: its host is at fault', () => {
		const message = 'Missing Content-Length of multimodal url.';
		expect(asksForNewTask('InternalError.Algo', message)).toBe(false);
		expect(asksForNewTask('InternalError.Algo', 'inference internal error.')).toBe(true);
		expect(adviceFor('InternalError.Algo', message)).toMatch(/host.*binary field.*fails again/);
		const type = 'Wrong Content-Type of multimodal url';
		expect(adviceFor('InvalidParameter', type)).toMatch(/host.*binary field.*fails again/);
	});
});

test('an error carries everything that is known about the failure', () => {
	const facts = {
		kind: 'throttled',
		code: 'Throttling',
		httpStatus: 429,
		requestId: 'r-1',
		retryAfterMs: 5_000,
		hint: 'Wait.',
	} as const;
	const error = new DashScopeError('slow down', facts);
	expect(error).toBeInstanceOf(Error);
	expect(error).toMatchObject({ ...facts, name: 'DashScopeError', message: 'slow down' });
});

describe('advice to try again', () => {
	const hintOf = (code: string, retryAfterMs?: number) =>
		new DashScopeError('no', { kind: 'throttled', hint: adviceFor(code), retryAfterMs }).hint;

	test.each([
		[undefined, 'in a minute'],
		[5_000, 'in a minute'],
		[60_000, 'in a minute'],
		[61_000, 'in 2 minutes'],
		[3_600_000, 'in 60 minutes'],
		[86_400_000, 'in 24 hours'],
	])('after a pause of %d ms tells the time', (retryAfterMs, time) => {
		expect(hintOf('Throttling', retryAfterMs)).toContain(`Try again ${time}, or spread`);
	});

	test('later tells the time, too', () => {
		expect(hintOf('ModelUnavailable', 3_600_000)).toMatch(/Try again in 60 minutes\.$/);
		expect(hintOf('Throttling.AllocationQuota', 3_600_000)).toContain(
			'try again in 60 minutes, or',
		);
	});

	test('is not told twice, nor where there is none', () => {
		const first = hintOf('Throttling', 3_600_000);
		const facts = { kind: 'throttled', hint: first, retryAfterMs: 3_600_000 } as const;
		expect(new DashScopeError('no', facts).hint).toBe(first);
		expect(hintOf('Something', 3_600_000)).toBeUndefined();
	});
});
