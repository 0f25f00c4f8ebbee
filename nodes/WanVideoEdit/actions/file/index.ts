import type { Resource } from '../operation';
import * as upload from './upload.operation';

export const file: Resource = { name: 'File', operations: { upload } };
