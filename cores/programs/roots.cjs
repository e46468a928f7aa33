// One object for each way that V8 itself holds objects: a stack, a handle scope, a global handle, the microtask queue, the global object. Two threads stop
// in the middle of JavaScript, so that the frames of a core can be compared with the traces that they print of themselves.
'use strict';
const fs = require('node:fs');
const vm = require('node:vm');
const { isMainThread, Worker, workerData } = require('node:worker_threads');
const stop = isMainThread ? require('./lib/stop.cjs') : undefined;

Error.stackTraceLimit = 100;
const WORKER_SAYS = 1 << 16;

class HeldByLocal { constructor() { this.planted = 1; } }
class HeldByArgument { constructor() { this.planted = 2; } }
class HeldByReceiver { constructor() { this.planted = 3; } callWithThis(last) { return last(); } }
class HeldByMicrotask { constructor() { this.planted = 4; } }
class HeldByGlobalHandle { constructor() { this.planted = 5; } }
class HeldByGlobalVariable { constructor() { this.planted = 6; } }
class HeldByTimer { constructor() { this.planted = 7; } }
class HeldWeakly { constructor() { this.planted = 8; } }
class HeldByWorkerLocal { constructor() { this.planted = 9; } }

/** Calls V8's function of that name, where this V8 has it and lets programs call it. */
function native(text, subject) {
  try { new Function('f', text)(subject); } catch { /* the frame is then of another kind */ }
}

function withBaselineCode(next) {
  const kept = next();
  return kept;
}
function withOptimisedCode(next) {
  const kept = next();
  return kept;
}
function train() {
  native('%CompileBaseline(f)', withBaselineCode);
  native('%PrepareFunctionForOptimization(f)', withOptimisedCode);
  for (let i = 0; i < 20; i++) { withOptimisedCode(() => i); withOptimisedCode(function named() { return i; }); }
  native('%OptimizeFunctionOnNextCall(f)', withOptimisedCode);
  withOptimisedCode(() => 0);
}

class Base {
  constructor(next) { this.result = next(); }
}
class Derived extends Base {
  constructor(next) {
    super(next);
  }
}

function withLocal(next) {
  const local = new HeldByLocal();
  next();
  return local;
}
function withArgument(first, next) {
  return [next(), first];
}
function recurse(depth, next) {
  if (depth === 0) return next();
  return recurse(depth - 1, next);
}

/**
 * JSON.parse keeps what it made in handles while it calls back: the object {heldByHandleScope} is in a handle alone once the array has lost it,
 * for it is `this` only of calls that are not made yet.
 */
function withHandle(next) {
  let array;
  JSON.parse('[1,{"heldByHandleScope":{"trap":2}}]', function reviver(key, value) {
    if (key === '0') array = this;
    if (key !== 'trap') return value;
    array[1] = null;
    return next();
  });
}

function callAll(next) {
  const getter = { get value() { return next(); } };
  return [1].forEach(() => [2, 1].sort(function compare() { return Reflect.apply(() => getter.value, null, []); }));
}

/** The trace of where this is called from, with what follows in the same statement. */
function wait(stack, line) {
  if (isMainThread) {
    stop.takeSnapshot();
    globalThis.gc?.();
    fs.writeSync(1, line(stack));
    // Stopped on the stack in both kinds of core: by abort, or waiting for what never comes.
    if (process.argv[4] === 'abort') process.abort();
  } else line(stack);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function mainThread() {
  train();
  globalThis.heldByGlobalVariable = new HeldByGlobalVariable();
  globalThis.script = new vm.Script('globalThis.neverRun = 1');
  globalThis.weakly = new WeakRef(new HeldWeakly());
  (() => {
    const kept = new HeldByTimer();
    setTimeout(function onLateTimer() { return kept; }, 0x7fffffff);
  })();
  const shared = new SharedArrayBuffer(WORKER_SAYS);
  const worker = new Worker(__filename, { workerData: shared });
  worker.unref();
  setTimeout(function onTimer() {
    Atomics.wait(new Int32Array(shared), 0, 0);
    // What the event loop would do next, were it let: these cannot be finished when the core is taken.
    (() => {
      const kept = new HeldByMicrotask();
      Promise.resolve().then(function onMicrotask() { return kept; });
    })();
    (() => {
      const kept = new HeldByGlobalHandle();
      fs.stat('/', function onStat() { return kept; });
    })();
    const workerStack = Buffer.from(new Uint8Array(shared, 8, new Int32Array(shared)[1])).toString();
    const line = (stack) => `${JSON.stringify({ pid: process.pid, node: process.version, v8: process.versions.v8, program: 'roots', script: __filename, stack, workerStack })}\n`;
    withLocal(() => withArgument(new HeldByArgument(), () => new HeldByReceiver().callWithThis(() => new Derived(() =>
      recurse(3, () => withBaselineCode(() => withOptimisedCode(() => callAll(() => withHandle(() => wait(new Error().stack, line))))))))));
  }, 1);
}

async function inner(line) {
  await null;
  const local = new HeldByWorkerLocal();
  wait(new Error().stack, line);
  return local;
}
async function outer(line) {
  return await inner(line);
}

function workerThread() {
  const text = new Int32Array(workerData);
  outer((stack) => {
    const bytes = Buffer.from(stack);
    new Uint8Array(workerData).set(bytes, 8);
    text[1] = bytes.length;
    Atomics.store(text, 0, 1);
    Atomics.notify(text, 0);
  });
}

if (isMainThread) mainThread();
else workerThread();
