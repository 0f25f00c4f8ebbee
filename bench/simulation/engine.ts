// The engine that is simulated, and what its own tests use to run it: the one place that knows where they are.
export { StopButton, VirtualClock, START } from '../../test/unit/virtualClock';
export { mostPerSecond } from '../../test/unit/rates';
export { editOf, MODEL } from '../../test/unit/requests';
export { clientOf, type SentRequest } from '../../test/unit/http';
export { Account } from '../../nodes/shared/tasks/account';
export { Journal } from '../../nodes/shared/tasks/journal';
export type { AwaitedTask } from '../../nodes/shared/tasks/taskLists';
export { untilEnded } from '../../nodes/shared/tasks/sleeping';
export { Ledger } from '../../nodes/shared/tasks/ledger';
export type { TaskPorts } from '../../nodes/shared/tasks/ports';
export type { OpenTask } from '../../nodes/shared/tasks/outcome';
export { runTasks, type TaskRequest } from '../../nodes/shared/tasks/run';
export { pollSuspended } from '../../nodes/shared/tasks/suspended';
export { cancelTask, createTask, getTask, listTasks } from '../../nodes/shared/dashscope/tasks';
export type { HttpAnswer } from '../../nodes/shared/dashscope/answer';
export type { DashScopeClient } from '../../nodes/shared/dashscope/client';
