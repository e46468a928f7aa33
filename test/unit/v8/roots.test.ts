import { describe, expect, it } from 'vitest';
import { FaultError } from '../../../src/errors.ts';
import { asAddress } from '../../../src/bytes/address.ts';
import { HeapWalker } from '../../../src/v8/heap-walk.ts';
import { refOfAddress } from '../../../src/v8/heap-memory.ts';
import { REGISTER_PLACES, RootKind } from '../../../src/v8/root-collector.ts';
import { collectRoots } from '../../../src/v8/roots.ts';
import type { MemoryReader } from '../../../src/target/memory-reader.ts';
import type { Thread } from '../../../src/target/thread.ts';
import { FIRST_PAGE, FakePages, HEAP } from '../../support/fake-pages.ts';

const ISOLATE = HEAP - 0x8000;

/** Memory of named blocks; all words are zero until set. */
class Blocks implements MemoryReader {
  readonly #blocks: { start: number; bytes: Uint8Array }[] = [];
  add(start: number, length: number): void {
    this.#blocks.push({ start, bytes: new Uint8Array(length) });
  }
  #view(address: number, length: number): DataView {
    const block = this.#blocks.find(({ start, bytes }) => address >= start && address < start + bytes.length);
    if (block === undefined) throw new FaultError(address, length, 'unmapped');
    const left = block.start + block.bytes.length - address;
    if (left < length) throw new FaultError(address + left, length, 'unmapped');
    return new DataView(block.bytes.buffer, address - block.start, length);
  }
  set(address: number, value: number): void {
    const view = this.#view(address, 8);
    view.setUint32(0, value % 2 ** 32, true);
    view.setUint32(4, Math.floor(value / 2 ** 32), true);
  }
  setByte(address: number, value: number): void {
    this.#view(address, 1).setUint8(0, value);
  }
  readU8 = (address: number): number => this.#view(address, 1).getUint8(0);
  readU16 = (address: number): number => this.#view(address, 2).getUint16(0, true);
  readU32 = (address: number): number => this.#view(address, 4).getUint32(0, true);
  readI32 = (address: number): number => this.#view(address, 4).getInt32(0, true);
  readF64 = (address: number): number => this.#view(address, 8).getFloat64(0, true);
  readPointer = (address: number): number | undefined => asAddress(this.readU32(address), this.readU32(address + 4));
  readBytes(address: number, length: number): Uint8Array {
    const view = this.#view(address, length);
    return new Uint8Array(view.buffer, view.byteOffset, length).slice();
  }
  isReadable(address: number, length: number): boolean {
    try {
      this.#view(address, length);
      return true;
    } catch {
      return false;
    }
  }
}

function heapOf(count: number) {
  const pages = new FakePages();
  pages.addPage(FIRST_PAGE);
  const objects = Array.from({ length: count }, () => pages.object(FIRST_PAGE));
  const { parts, walk } = pages.setup();
  const walker = new HeapWalker(walk, pages);
  walker.visitPage(0, []);
  walker.visitPage(1, []);
  const memory = new Blocks();
  memory.add(ISOLATE, HEAP + 0x4000 - ISOLATE);
  return { parts, objects, memory };
}

const isolate = { address: ISOLATE, heap: HEAP, kind: 'main', tid: 1 } as const;
const nothing = { isolates: [isolate], threads: [], microtaskQueues: [], readOnlyPages: [], isWritable: () => true };

describe('collectRoots', () => {
  it('takes words of the isolate, strong global handles of every block, and no weak or free ones', () => {
    const { parts, objects, memory } = heapOf(5);
    memory.set(ISOLATE + 0x100, objects[0]! + 1);
    const HANDLES = 0x6000_0000;
    const SPACE = 0x6000_1000;
    const BLOCKS = [0x6001_0000, 0x6002_0000];
    memory.add(HANDLES, 64);
    memory.add(SPACE, 64);
    memory.set(ISOLATE + 0x200, HANDLES);
    memory.set(HANDLES, ISOLATE);
    memory.set(HANDLES + 8, SPACE);
    memory.set(SPACE, HANDLES);
    memory.set(SPACE + 8, BLOCKS[0]!);
    for (const [b, block] of BLOCKS.entries()) {
      memory.add(block, 256 * 32 + 16);
      for (let i = 0; i < 256; i++) memory.setByte(block + i * 32 + 10, i);
      memory.set(block + 256 * 32, BLOCKS[b + 1] ?? 0);
    }
    const node = (block: number, index: number, target: number, state: number): void => {
      memory.set(block + index * 32, target + 1);
      memory.setByte(block + index * 32 + 11, state);
    };
    node(BLOCKS[0]!, 3, objects[1]!, 1);
    node(BLOCKS[0]!, 4, objects[2]!, 2);
    node(BLOCKS[0]!, 5, objects[3]!, 0);
    node(BLOCKS[1]!, 255, objects[4]!, 1);
    const roots = collectRoots(parts, memory, nothing);
    const found = (kind: keyof typeof RootKind): number[] => [...roots.refs].filter((_, i) => roots.kinds[i] === RootKind[kind]);
    expect(found('isolate')).toEqual([refOfAddress(parts, objects[0]!)]);
    expect(found('globalHandle')).toEqual([refOfAddress(parts, objects[1]!), refOfAddress(parts, objects[4]!)]);
    expect([...roots.places]).toEqual([BLOCKS[0]! + 3 * 32, BLOCKS[1]! + 255 * 32, ISOLATE + 0x100]);
    expect(roots.weakHandles).toBe(1);
  });

  it('takes eternal handles up to their number', () => {
    const { parts, objects, memory } = heapOf(3);
    memory.add(0x6000_0000, 64);
    memory.add(0x6000_1000, 64);
    memory.add(0x6000_2000, 256 * 8);
    memory.set(ISOLATE + 0x80, 0x6000_0000);
    memory.set(0x6000_0000, 2);
    for (const [i, value] of [0x6000_1000, 0x6000_1008, 0x6000_1008].entries()) memory.set(0x6000_0008 + i * 8, value);
    memory.set(0x6000_1000, 0x6000_2000);
    for (const [i, object] of objects.entries()) memory.set(0x6000_2000 + i * 8, object + 1);
    const roots = collectRoots(parts, memory, nothing);
    expect([...roots.refs]).toEqual(objects.slice(0, 2).map((object) => refOfAddress(parts, object)));
  });

  it('takes handle scopes: whole blocks but the last, that one up to the next free handle', () => {
    const { parts, objects, memory } = heapOf(4);
    const BLOCK = 1022 * 8;
    const blocks = [0x6100_0000, 0x6200_0000];
    for (const block of blocks) memory.add(block, BLOCK);
    memory.set(blocks[0]! + BLOCK - 8, objects[0]! + 1);
    memory.set(blocks[1]!, objects[1]! + 1);
    memory.set(blocks[1]! + 8, objects[2]! + 1);
    memory.set(ISOLATE + 0x40, blocks[1]! + 8);
    memory.set(ISOLATE + 0x48, blocks[1]! + BLOCK);
    memory.add(0x6000_0000, 256);
    memory.add(0x6000_1000, 64);
    memory.set(ISOLATE + 0x90, 0x6000_0000);
    memory.set(0x6000_0000, ISOLATE);
    memory.set(0x6000_0018, 0x6000_1000);
    memory.set(0x6000_0020, 8);
    memory.set(0x6000_0028, 2);
    for (const [i, block] of blocks.entries()) memory.set(0x6000_1000 + i * 8, block);
    const roots = collectRoots(parts, memory, nothing);
    expect([...roots.refs]).toEqual([objects[0]!, objects[1]!].map((object) => refOfAddress(parts, object)));
    expect(roots.counts.handleScope).toBe(2);
  });

  it('takes what waits in a microtask queue, also past the end of its ring', () => {
    const { parts, objects, memory } = heapOf(4);
    const QUEUE = 0x6000_0000;
    const RING = 0x6000_1000;
    memory.add(QUEUE, 64);
    memory.add(RING, 32);
    for (const [i, value] of [2, 4, 3, RING, 0].entries()) memory.set(QUEUE + 8 + i * 8, value);
    for (const [i, object] of objects.entries()) memory.set(RING + i * 8, object + 1);
    const roots = collectRoots(parts, memory, { ...nothing, microtaskQueues: [QUEUE] });
    expect([...roots.refs]).toEqual([objects[3]!, objects[0]!].map((object) => refOfAddress(parts, object)));
  });

  it('takes stacks up to the thread control block, and registers', () => {
    const { parts, objects, memory } = heapOf(3);
    const STACK = 0x7000_0000;
    memory.add(STACK, 0x4000);
    memory.set(STACK + 0x100, objects[0]! + 1);
    memory.set(STACK + 0x3000, objects[2]! + 1); // beyond the control block: another allocation in the same mapping
    const registers = new Uint32Array(54);
    registers.set([(objects[1]! % 2 ** 32) + 1, Math.floor(objects[1]! / 2 ** 32)], 6);
    const thread: Thread = { tid: 1, signal: 6, registers, rip: undefined, rsp: STACK, rbp: undefined, fsBase: STACK + 0x1000, stack: { start: STACK, end: STACK + 0x4000 } };
    const roots = collectRoots(parts, memory, { ...nothing, threads: [thread] });
    expect([...roots.refs].sort((a, b) => a - b)).toEqual([objects[0]!, objects[1]!].map((object) => refOfAddress(parts, object)));
    // The register is the fourth of the second thread.
    const twice = collectRoots(parts, memory, { ...nothing, threads: [{ ...thread, registers: new Uint32Array(54), stack: undefined }, thread] });
    expect([...twice.places]).toEqual([-1 - (REGISTER_PLACES + 3), STACK + 0x100]);
  });

  it('tells tables of the isolate from its other words: the first long run is that of the roots, the next that of the builtins', () => {
    const { parts, objects, memory } = heapOf(1);
    const WORDS = 300;
    const starts = [ISOLATE + 0x200, ISOLATE + 0x2000];
    for (const start of starts) for (let i = 0; i < WORDS; i++) memory.set(start + i * 8, objects[0]! + 1);
    memory.set(ISOLATE + 0x100, objects[0]! + 1);
    const roots = collectRoots(parts, memory, nothing);
    expect([roots.counts.isolate, roots.counts.strongRoot, roots.counts.builtin]).toEqual([1, WORDS, WORDS]);
    expect(roots.tables).toEqual(starts.map((start) => ({ start, end: start + WORDS * 8 })));
    const kindAt = (place: number): number | undefined => roots.kinds[roots.places.indexOf(place)];
    expect(starts.map((start) => kindAt(start + 8))).toEqual([RootKind.strongRoot, RootKind.builtin]);
  });

  it('takes all objects of read-only pages', () => {
    const { parts, memory } = heapOf(0);
    const roots = collectRoots(parts, memory, { ...nothing, readOnlyPages: [0] });
    expect(roots.counts.readOnly).toBe(10); // the maps of the fake heap
  });
});
