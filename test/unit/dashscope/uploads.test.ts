import { DashScopeError } from '../../../nodes/shared/dashscope/errors';
import { uploadFile } from '../../../nodes/shared/dashscope/uploads';
import { answering } from '../http';

const SOURCE = {
	size: 3,
	mimeType: 'video/mp4',
	extension: 'mp4',
	open: async () => await Promise.reject(new Error('Nothing is to be read')),
	ownChunks: true,
};

/** The error of an upload whose permission a host refuses. */
async function refusal(baseUrl: string, statusCode: number, body: unknown) {
	const { client, requests } = answering({ statusCode, headers: {}, body });
	const error: unknown = await uploadFile({ ...client, baseUrl }, 'a-model', SOURCE).catch(
		(thrown: unknown) => thrown,
	);
	expect(requests).toHaveLength(1);
	if (error instanceof DashScopeError) return error;
	throw new Error(`Not a DashScopeError: ${String(error)}`);
}

const DENIED = { code: 'AccessDenied', message: 'Access denied.', request_id: 'r-1' };

describe('a host that gives no permission to upload', () => {
	test.each([
		[404, 'Not Found'],
		[404, { code: 'NotFound', message: 'Not found!', request_id: 'r-1' }],
		[403, 'Forbidden'],
		[403, DENIED],
	])('(HTTP %d, %j) is told to take none: a URL does', async (status, body) => {
		for (const host of [
			'gateway.example',
			'dashscope-us.aliyuncs.com',
			'token-plan.cn-beijing.maas.aliyuncs.com',
		]) {
			const error = await refusal(`https://${host}`, status, body);
			expect(error.hint).toBe(
				`${host} seems to take no uploads: use a public URL instead of a binary file.`,
			);
			expect(error).toMatchObject({ kind: 'rejected', httpStatus: status });
		}
	});

	test('may be that of a workspace, which the credential need not name', async () => {
		const error = await refusal('https://ws-1a2b.ap-southeast-1.maas.aliyuncs.com', 403, DENIED);
		expect(error.hint).toMatch(/public URL.*leave 'Workspace ID'.*empty\.$/);
		expect(error).toMatchObject({
			message: 'Access denied.',
			code: 'AccessDenied',
			requestId: 'r-1',
		});
	});

	test.each([
		['https://dashscope-intl.aliyuncs.com', 403, DENIED, /application/],
		['https://gateway.example', 403, { ...DENIED, code: 'AccessDenied.Unpurchased' }, /Activate/],
		['https://gateway.example', 404, { ...DENIED, code: 'ModelNotFound' }, /model ID/],
		['https://gateway.example', 400, { code: 'Arrearage', message: 'pay' }, /unpaid/],
	])('for another reason is told that: %s, HTTP %d, %j', async (baseUrl, status, body, advice) => {
		const { hint } = await refusal(baseUrl, status, body);
		expect(hint).toMatch(advice);
		expect(hint).not.toContain('uploads');
	});
});
