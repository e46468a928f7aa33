import { describe, expect, it } from 'vitest';
import { HeapWalker } from '../../../src/v8/heap-walk.ts';
import { refOfAddress } from '../../../src/v8/heap-memory.ts';
import { RootCollector } from '../../../src/v8/root-collector.ts';
import { addTracedHandles, hasCppWrappers } from '../../../src/v8/root-traced.ts';
import { asAddress } from '../../../src/bytes/address.ts';
import { FaultError } from '../../../src/errors.ts';
import type { MemoryReader } from '../../../src/target/memory-reader.ts';
import { FIRST_PAGE, FakePages } from '../../support/fake-pages.ts';
import { FakeHeap } from '../../support/fake-v8-heap.ts';

const HANDLES = 0x6000_0000;
const BLOCKS = [0x6000_1000, 0x6000_4000];
const CPP = 0x6000_8000;
const HEADER = 9 * 8;
const END = 0x6001_0000;

/** Memory from HANDLES to END, and the words of objects on the heap page. */
class Memory implements MemoryReader {
  readonly #data = new DataView(new ArrayBuffer(END - HANDLES));
  readonly #words = new Map<number, number>();
  #at(address: number, length: number): number {
    if (address < HANDLES || address + length > END) throw new FaultError(address, length, 'unmapped');
    return address - HANDLES;
  }
  set(address: number, value: number): void {
    if (address < HANDLES || address >= END) this.#words.set(address, value);
    else {
      this.#data.setUint32(address - HANDLES, value % 2 ** 32, true);
      this.#data.setUint32(address - HANDLES + 4, Math.floor(value / 2 ** 32), true);
    }
  }
  setU16(address: number, value: number): void {
    this.#data.setUint16(address - HANDLES, value, true);
  }
  readU8 = (address: number): number => this.#data.getUint8(this.#at(address, 1));
  readU16 = (address: number): number => this.#data.getUint16(this.#at(address, 2), true);
  readU32 = (address: number): number => this.#data.getUint32(this.#at(address, 4), true);
  readI32 = (address: number): number => this.#data.getInt32(this.#at(address, 4), true);
  readF64 = (address: number): number => this.#data.getFloat64(this.#at(address, 8), true);
  readPointer = (address: number): number | undefined => this.#words.get(address) ?? asAddress(this.readU32(address), this.readU32(address + 4));
  readBytes = (address: number, length: number): Uint8Array => new Uint8Array(this.#data.buffer, this.#at(address, length), length);
  isReadable = (address: number, length: number): boolean => this.#words.has(address) || (address >= HANDLES && address + length <= END);
}

function setup(version: string) {
  const pages = new FakePages();
  pages.addPage(FIRST_PAGE);
  const objects = Array.from({ length: 5 }, () => pages.object(FIRST_PAGE));
  const { parts, walk } = pages.setup();
  const walker = new HeapWalker(walk, pages);
  walker.visitPage(0, []);
  walker.visitPage(1, []);
  const memory = new Memory();
  for (const block of BLOCKS) for (let i = 0; i < 256; i++) memory.setU16(block + HEADER + i * 16 + 10, i);
  memory.set(HANDLES, BLOCKS[0]!);
  memory.set(BLOCKS[0]! + 8, BLOCKS[1]!);
  const node = (block: number, index: number): number => BLOCKS[block]! + HEADER + index * 16;
  const use = (at: number, object: number): void => {
    memory.set(at, object + 1);
    memory.setU16(at + 12, 1);
  };
  const view = { memory, layout: new FakeHeap(version).layout };
  return { roots: new RootCollector(parts, memory), parts, objects, memory, node, use, view };
}

describe('addTracedHandles', () => {
  it('takes what handles name, of all blocks, with the wrappers they belong to, and no wrapper for its own sake', () => {
    const { roots, parts, objects, memory, node, use, view } = setup('14.6');
    const [wrapper, held, stray, far] = objects as [number, number, number, number];
    use(node(0, 0), wrapper);
    use(node(0, 1), held);
    use(node(0, 7), stray);
    use(node(1, 255), far);
    memory.set(node(0, 9), objects[4]! + 1); // not in use
    memory.set(wrapper + 24, CPP);
    memory.setU16(CPP - 2, 4 << 1); // a header and three words
    for (const [i, at] of [node(0, 0), node(0, 1), node(1, 255), node(0, 7)].entries()) memory.set(CPP + i * 8, at);
    const owners = new Map<number, number>();
    addTracedHandles(roots, HANDLES, view, owners);
    const ref = (object: number): number => refOfAddress(parts, object);
    expect([...roots.refs.finish()]).toEqual([held, stray, far].map(ref));
    expect(roots.places).toEqual([node(0, 1), node(0, 7), node(1, 255)]);
    // The fourth word is beyond the C++ object.
    expect([...owners]).toEqual([
      [0, ref(wrapper)],
      [2, ref(wrapper)],
    ]);
  });

  it('finds nothing where no blocks are, or lists lead round', () => {
    const { roots, memory, view } = setup('14.6');
    memory.set(BLOCKS[1]! + 8, BLOCKS[0]!);
    addTracedHandles(roots, HANDLES, view, new Map());
    addTracedHandles(roots, CPP, view, new Map());
    expect(roots.counts.tracedHandle).toBe(0);
  });

  it('knows which versions have wrappers of C++ objects', () => {
    expect(['9.4', '12.4', '13.6', '14.6'].map((version) => hasCppWrappers(setup(version).view))).toEqual([false, false, true, true]);
  });
});
