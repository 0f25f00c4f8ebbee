// The node that is measured: the one place that knows its type and the names of its parameters.
import type { INode, INodeParameters } from 'n8n-workflow';

/** What happens while the task runs. */
export type Waiting = 'active' | 'suspend' | 'none';

export interface EditSettings {
	waiting: Waiting;
	/** The name of the credential. */
	credential: string;
	/** A URL, or the binary field that the video is in. */
	video: { url: string } | { field: string };
	prompt: string;
	download?: boolean;
	/** Of the node's collection Options. */
	options?: INodeParameters;
}

const TYPE = 'n8n-nodes-wan-video-edit.wanVideoEdit';

function node(name: string, parameters: INodeParameters): INode {
	return { id: name, name, type: TYPE, typeVersion: 1, position: [0, 0], parameters };
}

/** The operations on files alone, with their defaults. */
export function clipNode(operation: 'split' | 'join'): INode {
	return node(operation, { resource: 'video', operation });
}

/** The node as the editor saves it; its name is also its ID. */
export function editNode(name: string, settings: EditSettings): INode {
	const { waiting, credential, video, prompt, download = true, options = {} } = settings;
	const source =
		'url' in video
			? { videoSource: 'url', videoUrl: video.url }
			: { videoSource: 'binary', videoField: video.field };
	return {
		...node(name, {
			resource: 'video',
			operation: 'instructionEdit',
			prompt,
			resolution: '720P',
			...source,
			waiting,
			...(waiting === 'none' ? {} : { download, outputField: 'data' }),
			options,
		}),
		credentials: { dashScopeApi: { id: null, name: credential } },
	};
}
