import type { Resource } from '../operation';
import * as getStatus from './getStatus.operation';

export const task: Resource = { name: 'Task', operations: { getStatus } };
