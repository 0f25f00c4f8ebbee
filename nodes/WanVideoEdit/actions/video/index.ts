import type { Resource } from '../operation';
import * as estimateCost from './estimateCost.operation';
import * as instructionEdit from './instructionEdit.operation';
import * as referenceEdit from './referenceEdit.operation';

export const video: Resource = {
	name: 'Video',
	operations: { instructionEdit, referenceEdit, estimateCost },
};
