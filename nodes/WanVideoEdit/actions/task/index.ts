import type { Resource } from '../operation';
import * as cancel from './cancel.operation';
import * as getMany from './getMany.operation';
import * as getStatus from './getStatus.operation';
import * as wait from './wait.operation';

export const task: Resource = { name: 'Task', operations: { getStatus, getMany, cancel, wait } };
