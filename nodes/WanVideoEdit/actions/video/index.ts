import type { Resource } from '../operation';
import { continueVideo } from './continue.operation';
import { editArea } from './editArea.operation';
import * as estimateCost from './estimateCost.operation';
import { expandFrame } from './expandFrame.operation';
import { extend } from './extend.operation';
import { fromReferenceImages } from './fromReferenceImages.operation';
import * as instructionEdit from './instructionEdit.operation';
import * as join from './join.operation';
import * as referenceEdit from './referenceEdit.operation';
import { repaint } from './repaint.operation';
import * as split from './split.operation';
import { swapPerson } from './swapPerson.operation';

export const video: Resource = {
	name: 'Video',
	operations: {
		instructionEdit,
		referenceEdit,
		continue: continueVideo,
		editArea,
		expandFrame,
		repaint,
		swapPerson,
		extend,
		fromReferenceImages,
		estimateCost,
		split,
		join,
	},
};
