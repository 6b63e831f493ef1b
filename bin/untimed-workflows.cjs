// Loaded before the service. Temporal's SDK calls into a workflow with a time-out of Node's `vm`, for which each call starts
// a thread and waits until it has ended; there is no setting against it. Our workflows end. See docs/adr/0018.
const { Script } = require('node:vm');
const { isMainThread } = require('node:worker_threads');

if (!isMainThread) {
  const { runInContext } = Script.prototype;
  Script.prototype.runInContext = function (context, options) {
    return runInContext.call(this, context, { ...options, timeout: undefined });
  };
}
