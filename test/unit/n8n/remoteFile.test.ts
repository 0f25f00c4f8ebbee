import { Readable } from 'node:stream';
import type { IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';
import { remoteFacts } from '../../../nodes/shared/n8n/remoteFile';
import { WAN_VIDEO } from '../../../nodes/WanVideoEdit/models/limits';

/** Where the header of a file behind a URL is asked for, and with what. */

const PUBLIC = 'https://dashscope-intl.aliyuncs.com';

/** n8n's HTTP client, with an answer for each host; a location makes it a redirect. */
function web(answers: Record<string, string>) {
	const asked: IHttpRequestOptions[] = [];
	const functions = {
		getExecutionCancelSignal: () => undefined,
		helpers: {
			httpRequest: async (request: IHttpRequestOptions) => {
				asked.push(request);
				const location = answers[new URL(request.url).hostname];
				return await Promise.resolve({
					statusCode: location === undefined ? 200 : 302,
					headers: location === undefined ? {} : { location },
					body: Readable.from([Buffer.from('<html>')]),
				});
			},
		},
	};
	return { asked, functions: functions as unknown as IExecuteFunctions };
}

const look = async (functions: IExecuteFunctions, url: string, baseUrl = PUBLIC) =>
	await remoteFacts(functions, { field: 'Video URL', url }, WAN_VIDEO, baseUrl);

test.each([
	'http://10.0.0.7/clip.mp4',
	'http://169.254.169.254/latest/meta-data',
	'http://localhost:5678/rest/credentials',
	'http://[fd00::1]/clip.mp4',
])('a redirect to %s is not followed', async (location) => {
	const { asked, functions } = web({ 'example.com': location });

	await expect(look(functions, 'https://example.com/clip.mp4')).rejects.toThrow(
		/^'Video URL' could not be read: it leads to .*, which only this network can reach$/,
	);
	expect(asked).toHaveLength(1);
});

test.each(['ftp://example.com/clip.mp4', 'file:///etc/passwd', 'javascript:1'])(
	'nor is one to %s',
	async (location) => {
		const { asked, functions } = web({ 'example.com': location });
		await expect(look(functions, 'https://example.com/clip.mp4')).rejects.toThrow(
			/it leads to something that is not a web address/,
		);
		expect(asked).toHaveLength(1);
	},
);

test('one within the web is, and no request carries a credential or follows redirects by itself', async () => {
	const { asked, functions } = web({ 'example.com': 'https://cdn.example.org/clip.mp4' });

	await expect(look(functions, 'https://example.com/clip.mp4?sig=a%2Fb')).rejects.toThrow(
		"'Video URL' holds a web page or XML text",
	);
	expect(asked.map(({ url }) => url)).toEqual([
		'https://example.com/clip.mp4?sig=a%2Fb',
		'https://cdn.example.org/clip.mp4',
	]);
	for (const { headers, disableFollowRedirect } of asked) {
		expect(headers).toEqual({ 'Accept-Encoding': 'identity' });
		expect(disableFollowRedirect).toBe(true);
	}
});
