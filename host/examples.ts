// The workflows of examples/, made ready to run as their first note tells a user to.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INode } from 'n8n-workflow';
import type { Workflow } from './client';
import { root } from './pack';

const folder = join(root, 'examples');

/** File names without their ending, in order. */
export const exampleNames = readdirSync(folder)
	.filter((file) => file.endsWith('.json'))
	.map((file) => file.slice(0, -'.json'.length))
	.sort();

/** @param name one of `exampleNames` */
export function loadExample(name: string): Workflow {
	return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Workflow;
}

/** The credential that each type of node asks for. */
export const credentialTypes: Record<string, string> = {
	'@n8n/n8n-nodes-langchain.lmChatOpenAi': 'openAiApi',
	'n8n-nodes-base.emailSend': 'smtp',
	'n8n-nodes-base.emailSendHitlTool': 'smtp',
	'n8n-nodes-base.googleDrive': 'googleDriveOAuth2Api',
	'n8n-nodes-base.googleDriveTrigger': 'googleDriveOAuth2Api',
	'n8n-nodes-base.n8n': 'n8nApi',
	'n8n-nodes-base.s3': 's3',
	'n8n-nodes-base.telegram': 'telegramApi',
	'n8n-nodes-base.telegramTrigger': 'telegramApi',
	'n8n-nodes-base.youTube': 'youTubeOAuth2Api',
	'n8n-nodes-wan-video-edit.wanVideoEdit': 'dashScopeApi',
	'n8n-nodes-wan-video-edit.wanVideoEditTool': 'dashScopeApi',
	'n8n-nodes-wan-video-edit.wanVideoEditTrigger': 'dashScopeApi',
};

/** The credential that a node asks for; of an HTTP Request it is what was chosen. */
export function credentialTypeOf({ type, parameters }: INode): string | undefined {
	const { nodeCredentialType } = parameters;
	return typeof nodeCredentialType === 'string' ? nodeCredentialType : credentialTypes[type];
}

/** The workflow with credentials, by their type, chosen in its nodes; types that are not given stay open. */
export function withCredentials(workflow: Workflow, names: Record<string, string>): Workflow {
	const nodes = workflow.nodes.map((node) => {
		const type = credentialTypeOf(node);
		const name = type === undefined ? undefined : names[type];
		if (type === undefined || name === undefined) return node;
		return { ...node, credentials: { [type]: { id: null, name } } };
	});
	return { ...workflow, nodes };
}

/** Where the form of a workflow that begins with one is, below `/form/`. */
export function formPath({ nodes }: Workflow): string | undefined {
	return nodes.find(({ type }) => type === 'n8n-nodes-base.formTrigger')?.webhookId;
}

interface Assignment {
	name: string;
	value: unknown;
}

function assignmentsOf({ parameters }: INode): Assignment[] {
	const { assignments } = parameters as { assignments?: { assignments?: Assignment[] } };
	return assignments?.assignments ?? [];
}

/**
 * The workflow with values entered in one of its "Edit Fields" nodes.
 * @throws Error for a node or a field that it does not have
 */
export function withSettings(
	workflow: Workflow,
	node: string,
	values: Record<string, string>,
): Workflow {
	const copy = structuredClone(workflow);
	const fields = copy.nodes.filter(({ name }) => name === node).flatMap(assignmentsOf);
	for (const [name, value] of Object.entries(values)) {
		const field = fields.find((one) => one.name === name);
		if (field === undefined) throw new Error(`"${workflow.name}": no "${name}" in "${node}"`);
		field.value = value;
	}
	return copy;
}
