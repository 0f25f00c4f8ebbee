import type {
	ICredentialDataDecryptedObject,
	IHttpRequestOptions,
	Icon,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';
import { keyOf } from '../nodes/shared/dashscope/key';

export class DashScopeApi implements ICredentialType {
	name = 'dashScopeApi';

	displayName = 'DashScope API';

	icon: Icon = {
		light: 'file:../icons/wanVideoEdit.svg',
		dark: 'file:../icons/wanVideoEdit.dark.svg',
	};

	documentationUrl =
		'https://github.com/n8n-nodes-wan-video-edit/n8n-nodes-wan-video-edit#credential';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			required: true,
			default: '',
			description:
				'From the API Key page of the Model Studio console. A key works only in the region where it was created.',
		},
		{
			displayName: 'Region',
			name: 'region',
			type: 'options',
			default: 'ap-southeast-1',
			description: 'The region in which the key was created. A key from another region is refused.',
			options: [
				{ name: 'China (Beijing)', value: 'cn-beijing' },
				{
					name: 'Custom',
					value: 'custom',
					description: 'Another region, a gateway, or the sandbox on this machine',
				},
				{ name: 'International (Singapore)', value: 'ap-southeast-1' },
			],
		},
		{
			displayName: 'Workspace ID',
			name: 'workspaceId',
			type: 'string',
			default: '',
			placeholder: 'e.g. ws-1a2b3c4d, or leave empty',
			description: "Leave empty if unsure. If set, requests go to your workspace's own address.",
			displayOptions: { show: { region: ['ap-southeast-1', 'cn-beijing'] } },
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			required: true,
			default: '',
			placeholder: 'e.g. https://dashscope-us.aliyuncs.com',
			description:
				'Address of the service. It must start with https://; http:// works only for this machine.',
			displayOptions: { show: { region: ['custom'] } },
		},
		{
			displayName: 'Used by This n8n Only',
			name: 'exclusive',
			type: 'boolean',
			default: false,
			description:
				'Whether this node, in this n8n, submits all tasks of the Alibaba Cloud account. Leave off if n8n runs with workers (queue mode), or if colleagues, other nodes or other programs use the account. When on, the node can find its task after a broken connection, instead of failing with "Outcome unknown".',
		},
	];

	/**
	 * A function, not an expression: n8n evaluates expressions only while a node runs, but the tasks of a stopped
	 * execution are canceled, and those of a suspended one watched, after that.
	 */
	authenticate = async (
		{ apiKey }: ICredentialDataDecryptedObject,
		request: IHttpRequestOptions,
	): Promise<IHttpRequestOptions> =>
		await Promise.resolve({
			...request,
			headers: { ...request.headers, Authorization: `Bearer ${keyOf(String(apiKey))}` },
		});
}
