/** Finds the isolates of the process: each has a Heap, which its pages name, at a fixed distance inside of it. */
import { FaultError } from '../errors.ts';
import type { Address } from '../bytes/address.ts';
import type { Target } from '../target/target.ts';
import type { LayoutConstant, LayoutName, V8Layout } from './layout.ts';
import type { TargetElf } from './metadata.ts';

export interface Isolate {
  readonly address: Address;
  readonly heap: Address;
  readonly kind: 'main' | 'worker';
  /** The thread that was in this isolate, when one was. */
  readonly tid: number | undefined;
}

export interface IsolateSearch {
  readonly isolates: readonly Isolate[];
  /** The distance of Heap from Isolate, when threads tell another than the table. */
  readonly derived: readonly (LayoutConstant & { readonly name: LayoutName })[];
  /** Whether a thread's own word for its isolate agrees with the pages. */
  readonly confirmed: boolean;
}

const CURRENT_ISOLATE = '_ZN2v88internal18g_current_isolate_E';
const ISOLATE_KEY = '_ZN2v88internal7Isolate12isolate_key_E';

/** Heap follows Isolate within this many bytes in every known version. */
const MAX_HEAP_DISTANCE = 0x40000;

/** glibc's struct pthread on x86-64: specific_1stblock and the size of its entries {seq, data} (nptl/descr.h). */
const PTHREAD_SPECIFIC = 0x310;
const PTHREAD_KEYS_IN_FIRST_BLOCK = 32;

/** The isolate each thread is in, by thread id: a thread-local variable since V8 10.x, a pthread key before. */
function currentIsolates(target: Target, elf: TargetElf): Map<number, Address> {
  const found = new Map<number, Address>();
  const symbols = elf.lookupSymbols([CURRENT_ISOLATE, ISOLATE_KEY]);
  const tls = symbols.get(CURRENT_ISOLATE);
  const key = symbols.get(ISOLATE_KEY);
  for (const thread of target.threads) {
    try {
      let at: Address | undefined;
      if (tls !== undefined) at = target.threadLocalAddress(thread, tls.value);
      else if (key !== undefined && thread.fsBase !== undefined) {
        const number = target.memory.readU32(key.value + target.executable.loadBias);
        if (number < PTHREAD_KEYS_IN_FIRST_BLOCK) at = thread.fsBase + PTHREAD_SPECIFIC + 16 * number + 8;
      }
      const isolate = at === undefined ? undefined : target.memory.readPointer(at);
      if (isolate !== undefined && isolate !== 0) found.set(thread.tid, isolate);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
    }
  }
  return found;
}

/** Joins the heaps that pages name with the isolates that threads name; the main isolate comes first. */
export function findIsolates(target: Target, elf: TargetElf, layout: V8Layout, heaps: readonly Address[]): IsolateSearch {
  const current = currentIsolates(target, elf);
  let distance = layout.at.heapFromIsolate;
  const distances = new Set<number>();
  for (const isolate of current.values()) {
    const heap = heaps.filter((h) => h > isolate && h - isolate < MAX_HEAP_DISTANCE).sort((a, b) => a - b)[0];
    if (heap !== undefined) distances.add(heap - isolate);
  }
  const confirmed = distances.has(distance);
  const derived: IsolateSearch['derived'][number][] = [];
  const [only] = distances;
  if (!confirmed && distances.size === 1 && only !== undefined) {
    distance = only;
    derived.push({ name: 'heapFromIsolate', value: only, origin: 'derived', note: "distance between a thread's current isolate and the heap its pages name" });
  }
  const tidOf = new Map([...current].map(([tid, isolate]) => [isolate, tid]));
  const mainIsolate = current.get(target.pid);
  const isolates = heaps.map((heap): Isolate => {
    const address = heap - distance;
    return { address, heap, kind: 'worker', tid: tidOf.get(address) };
  });
  const main = isolates.find((isolate) => isolate.address === mainIsolate) ?? isolates[0];
  const sorted = isolates.filter((isolate) => isolate !== main).sort((a, b) => a.address - b.address);
  return { isolates: main === undefined ? [] : [{ ...main, kind: 'main' }, ...sorted], derived, confirmed: confirmed || derived.length > 0 };
}
