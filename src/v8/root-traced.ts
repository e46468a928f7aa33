/**
 * Traced handles: how objects of cppgc, the collector of C++ objects, refer to JavaScript. Node uses them since 24 (ContextifyScript, for one): the wrapper
 * in JavaScript names a C++ object, whose traced handles name the wrapper itself and what else it needs.
 *
 * To a full collection they are no roots: what they name lives as long as the C++ object, and that as long as its wrapper. Here the wrapper's own handle is
 * left out, and all others are roots that know their wrapper, so that a graph can put the reference where it belongs.
 */
import { type Address, asAddress } from '../bytes/address.ts';
import type { MemoryReader } from '../target/memory-reader.ts';
import type { HeapView } from './heap.ts';
import { type RootCollector, tryPointer } from './root-collector.ts';

/** TracedNode: {object, class id or next free u16, index u16, flags u8} of 16 bytes (handles/traced-handles.h). */
const NODE_BYTES = 16;
const NODE_INDEX = 10;
const NODE_FLAGS = 12;
const IN_USE = 1;
/** A block has a header of lists and counts, then 256 nodes or more, as many as malloc has room for. */
const HEADER_WORDS = [5, 6, 7, 8, 9, 10] as const;
const MIN_NODES = 256;
const MAX_NODES = 0xffff;
const MAX_BLOCKS = 1 << 14;
/** The lists of TracedHandles come first: of all blocks, of those with free nodes, of empty ones. */
const LIST_WORDS = 4;

/** HeapObjectHeader of cppgc: its last 16 bits are the size in words, above a mark bit; 0 for large objects (heap/cppgc/heap-object-header.h). */
const CPP_SIZE = -2;
const MAX_CPP_BYTES = 4096;

interface Block {
  readonly nodes: Address;
  readonly count: number;
}

function countNodes(memory: MemoryReader, nodes: Address): number {
  let count = 0;
  while (count < MAX_NODES && memory.isReadable(nodes + count * NODE_BYTES, NODE_BYTES) && memory.readU16(nodes + count * NODE_BYTES + NODE_INDEX) === count) count++;
  return count >= MIN_NODES ? count : 0;
}

function findBlock(memory: MemoryReader, address: Address): Block | undefined {
  if (address < 0x1000 || address % 8 !== 0) return undefined;
  for (const words of HEADER_WORDS) {
    const nodes = address + words * 8;
    // Most memory fails at the second node.
    if (!memory.isReadable(nodes, 2 * NODE_BYTES) || memory.readU16(nodes + NODE_BYTES + NODE_INDEX) !== 1) continue;
    const count = countNodes(memory, nodes);
    if (count > 0) return { nodes, count };
  }
  return undefined;
}

/** The blocks that can be reached from a TracedHandles object by its lists. */
function findBlocks(memory: MemoryReader, handles: Address): Block[] {
  const blocks: Block[] = [];
  const seen = new Set<Address>();
  const follow = (at: Address, words: number): void => {
    for (let i = 0; i < words; i++) {
      const address = tryPointer(memory, at + i * 8);
      if (address === undefined || seen.has(address) || blocks.length >= MAX_BLOCKS) continue;
      seen.add(address);
      const block = findBlock(memory, address);
      if (block === undefined) continue;
      blocks.push(block);
      pending.push(address);
    }
  };
  const pending: Address[] = [];
  follow(handles, LIST_WORDS);
  for (const block of pending) follow(block, LIST_WORDS);
  return blocks;
}

/** JavaScript objects have three words of their own; a fourth, before the embedder's fields, names a C++ object since 13.x. */
const SLOT = 24;

/** Whether wrappers of this V8 can name objects of cppgc. */
export function hasCppWrappers(view: HeapView): boolean {
  return view.layout.at.jsApiFirstField > SLOT;
}

/** The C++ object of a wrapper. */
function cppObjectOf(view: HeapView, wrapper: Address): Address | undefined {
  const object = tryPointer(view.memory, wrapper + SLOT);
  return object !== undefined && object >= 0x1000 && object % 8 === 0 ? object : undefined;
}

/** Addresses of the traced nodes that the words of a C++ object name. */
function nodesOf(memory: MemoryReader, object: Address, isNode: (address: Address) => boolean): Address[] {
  if (!memory.isReadable(object - 8, 8)) return [];
  const words = memory.readU16(object + CPP_SIZE) >>> 1;
  const bytes = Math.min(words === 0 ? MAX_CPP_BYTES : words * 8 - 8, MAX_CPP_BYTES);
  const nodes: Address[] = [];
  for (let at = object; at < object + bytes; at += 8) {
    const address = tryPointer(memory, at);
    if (address !== undefined && isNode(address)) nodes.push(address);
  }
  return nodes;
}

/**
 * Adds what the traced handles of the TracedHandles object at `handles` name, if there is one: all but wrappers named by their own C++ objects.
 * `owners` gets the ref of the wrapper by the number of the root, where there is one.
 */
export function addTracedHandles(roots: RootCollector, handles: Address, view: HeapView, owners: Map<number, number>): void {
  const { memory } = roots;
  const blocks = findBlocks(memory, handles);
  const isNode = (address: Address): boolean =>
    blocks.some(({ nodes, count }) => address >= nodes && address < nodes + count * NODE_BYTES && (address - nodes) % NODE_BYTES === 0);
  const named: { readonly node: Address; readonly ref: number; readonly lo: number; readonly hi: number }[] = [];
  for (const { nodes, count } of blocks) {
    for (let node = nodes; node < nodes + count * NODE_BYTES; node += NODE_BYTES) {
      if ((memory.readU8(node + NODE_FLAGS) & IN_USE) === 0) continue;
      const [lo, hi] = [memory.readU32(node), memory.readU32(node + 4)];
      const ref = roots.refOfWord(lo, hi);
      if (ref >= 0) named.push({ node, ref, lo, hi });
    }
  }
  const wrapperOfNode = new Map<Address, number>();
  const own = new Set<Address>();
  for (const { node, ref, lo, hi } of named) {
    const object = cppObjectOf(view, (asAddress(lo, hi) ?? 1) - 1);
    const nodes = object === undefined ? [] : nodesOf(memory, object, isNode);
    if (!nodes.includes(node)) continue;
    own.add(node);
    for (const other of nodes) wrapperOfNode.set(other, ref);
  }
  for (const { node, ref } of named) {
    if (own.has(node)) continue;
    const wrapper = wrapperOfNode.get(node);
    if (wrapper !== undefined) owners.set(roots.kinds.length, wrapper);
    roots.addRef(ref, 'tracedHandle', node);
  }
}
