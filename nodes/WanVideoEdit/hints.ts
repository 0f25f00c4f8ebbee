/** What n8n says about the node as a whole: to the user before a run, and to its builder of workflows. */
import type { INodeTypeDescription, NodeHint } from 'n8n-workflow';

export const hints: NodeHint[] = [
	{
		message:
			"1080P costs more than 720P. 'Video: Estimate Cost' shows the price before you run the edit. The option 'Spending Limit' stops a run that would cost more than you want.",
		type: 'info',
		location: 'ndv',
		whenToDisplay: 'beforeExecution',
		displayCondition:
			'={{ $parameter["resource"] === "video" && $parameter["resolution"] === "1080P" && $parameter["operation"] !== "estimateCost" }}',
	},
];

export const builderHint: INodeTypeDescription['builderHint'] = {
	searchHint:
		'Edits an existing video (style, season, background, clothes, objects, camera, a masked area, the frame, a person) or continues it, with the Wan models of Alibaba Cloud. Takes the video from a binary field or a public URL, waits for the result by itself and returns the MP4 as binary: add no Wait node and no polling loop, and no retry. It makes no video from text alone.',
	relatedNodes: [
		{
			nodeType: 'n8n-nodes-base.formTrigger',
			relationHint: 'Takes the video and the instruction from a person',
		},
		{
			nodeType: 'n8n-nodes-base.s3',
			relationHint: 'Downloads the video to edit, and stores the result',
		},
		{
			nodeType: 'n8n-nodes-base.googleDrive',
			relationHint: 'Downloads the video to edit, and stores the result',
		},
	],
};
