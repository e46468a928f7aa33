/** Work that marking threads share: a pool of refs still to be followed, and who has run out of them. Lives in shared memory. */

const LOCK = 0;
const COUNT = 1;
const IDLE = 2;
const WORKERS = 3;
const SIGNAL = 4;
const HEADER = 8;

/** Refs the pool can hold, and how many a thread gives or takes at a time. */
const CAPACITY = 1 << 18;
const BATCH = 1 << 13;

/** A thread keeps at least this many refs for itself. */
const KEEP = 512;

/** How long an idle thread sleeps before it looks again, in milliseconds; a giver wakes it earlier. */
const NAP_MS = 2;

/** Makes an empty pool for a number of threads, to be handed to each of them. */
export function makeMarkPool(workers: number): Int32Array {
  const pool = new Int32Array(new SharedArrayBuffer((HEADER + CAPACITY) * 4));
  pool[WORKERS] = workers;
  return pool;
}

function lock(pool: Int32Array): void {
  while (Atomics.compareExchange(pool, LOCK, 0, 1) !== 0);
}

function unlock(pool: Int32Array): void {
  Atomics.store(pool, LOCK, 0);
}

/** Gives refs from the top of a stack when somebody waits for work; returns the stack's new depth. */
export function giveWork(pool: Int32Array, stack: Int32Array, depth: number): number {
  if (Atomics.load(pool, IDLE) === 0 || depth < KEEP * 2 || Atomics.load(pool, COUNT) > BATCH) return depth;
  lock(pool);
  const count = pool[COUNT] ?? 0;
  const given = Math.min(BATCH, depth - KEEP, CAPACITY - count);
  pool.set(stack.subarray(depth - given, depth), HEADER + count);
  Atomics.store(pool, COUNT, count + given);
  unlock(pool);
  Atomics.add(pool, SIGNAL, 1);
  Atomics.notify(pool, SIGNAL);
  return depth - given;
}

/** Takes refs into an empty stack, which must hold BATCH; waits for some while other threads are at work. 0 means that all work is done. */
export function takeWork(pool: Int32Array, stack: Int32Array): number {
  const workers = pool[WORKERS] ?? 1;
  Atomics.add(pool, IDLE, 1);
  for (;;) {
    const signal = Atomics.load(pool, SIGNAL);
    if (Atomics.load(pool, COUNT) > 0) {
      lock(pool);
      const count = pool[COUNT] ?? 0;
      const taken = Math.min(count, BATCH, stack.length);
      if (taken > 0) {
        stack.set(pool.subarray(HEADER + count - taken, HEADER + count));
        Atomics.store(pool, COUNT, count - taken);
        Atomics.sub(pool, IDLE, 1);
      }
      unlock(pool);
      if (taken > 0) return taken;
    }
    // Only threads that are not idle give work: with none of them left and the pool empty there will be no more.
    if (Atomics.load(pool, IDLE) >= workers) {
      Atomics.add(pool, SIGNAL, 1);
      Atomics.notify(pool, SIGNAL);
      return 0;
    }
    Atomics.wait(pool, SIGNAL, signal, NAP_MS);
  }
}
