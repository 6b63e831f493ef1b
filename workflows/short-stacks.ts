/**
 * Loaded into the workflows' sandbox before anything else, which is when its `Error` can still be changed. The SDK takes a
 * stack for each promise of a workflow, for the query `__stack_trace`: with whole stacks, a third of the workflows' thread.
 * These are enough to see where an error was thrown. See docs/performance.md.
 */
Error.stackTraceLimit = 3;
