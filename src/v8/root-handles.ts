/** The handles that C++ holds: global and eternal ones, and those of open handle scopes. */
import { type Address, asAddress } from '../bytes/address.ts';
import type { MemoryReader } from '../target/memory-reader.ts';
import { type RootCollector, tryPointer } from './root-collector.ts';

/** A block of global handles: 256 nodes of 32 bytes {object, class id u16, index u8, flags u8, ...}, then the pointer to the next block (handles/global-handles.cc). */
const NODES_PER_BLOCK = 256;
const NODE_BYTES = 32;
const NODE_CLASS_ID = 8;
const NODE_INDEX = 10;
const NODE_FLAGS = 11;
const NODE_STATE_MASK = 3;
const NODE_STRONG = 1;
const MAX_NODE_BLOCKS = 1 << 20;

/** A block of handle scopes: 1,022 words (handles/handles.h: kHandleBlockSize). */
const HANDLE_BLOCK_BYTES = 1022 * 8;
const MAX_HANDLE_BLOCKS = 1 << 16;

const ETERNAL_BLOCK = 256;
const MAX_ETERNAL = 1 << 20;

/** Words of an isolate-owned C++ object that are looked at for pointers to handle blocks. */
const OBJECT_WORDS = 24;

/** Whether a block of global handle nodes lies at `address`: byte 10 of node i is i, for all of them. */
export function isNodeBlock(memory: MemoryReader, address: Address): boolean {
  if (address % 8 !== 0 || !memory.isReadable(address, NODES_PER_BLOCK * NODE_BYTES + 8)) return false;
  for (let i = 1; i < 4; i++) if (memory.readU8(address + i * NODE_BYTES + NODE_INDEX) !== i) return false;
  const bytes = memory.readBytes(address, NODES_PER_BLOCK * NODE_BYTES);
  for (let i = 0; i < NODES_PER_BLOCK; i++) if (bytes[i * NODE_BYTES + NODE_INDEX] !== i) return false;
  return true;
}

export function addGlobalHandles(roots: RootCollector, firstBlock: Address, seen: Set<Address>): void {
  let block: Address | undefined = firstBlock;
  while (block !== undefined && block !== 0 && !seen.has(block) && seen.size < MAX_NODE_BLOCKS && isNodeBlock(roots.memory, block)) {
    seen.add(block);
    const bytes = roots.memory.readBytes(block, NODES_PER_BLOCK * NODE_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let node = 0; node < bytes.length; node += NODE_BYTES) {
      const state = bytes[node + NODE_FLAGS]! & NODE_STATE_MASK;
      if (state === NODE_STRONG) roots.addWord(view.getUint32(node, true), view.getUint32(node + 4, true), 'globalHandle', block + node);
      else if (state !== 0 && roots.refOfWord(view.getUint32(node, true), view.getUint32(node + 4, true)) >= 0) roots.weakHandles++;
    }
    block = tryPointer(roots.memory, block + NODES_PER_BLOCK * NODE_BYTES);
  }
}

/** EternalHandles: {int size, vector<Address*> blocks of 256} (handles/global-handles.h). */
export function addEternalHandles(roots: RootCollector, object: Address): void {
  const { memory } = roots;
  if (!memory.isReadable(object, 32) || memory.readU32(object + 4) !== 0) return;
  const size = memory.readU32(object);
  const begin = memory.readPointer(object + 8);
  const end = memory.readPointer(object + 16);
  const capacity = memory.readPointer(object + 24);
  if (begin === undefined || end === undefined || capacity === undefined || size === 0 || size > MAX_ETERNAL) return;
  const blocks = Math.ceil(size / ETERNAL_BLOCK);
  if (begin % 8 !== 0 || end - begin !== blocks * 8 || capacity < end || !memory.isReadable(begin, blocks * 8)) return;
  const addresses = Array.from({ length: blocks }, (_, i) => memory.readPointer(begin + i * 8));
  if (!addresses.every((address): address is Address => address !== undefined && address % 8 === 0 && !roots.isHeap(address) && memory.isReadable(address, ETERNAL_BLOCK * 8))) return;
  for (const [i, address] of addresses.entries()) roots.addRange(address, address + Math.min(ETERNAL_BLOCK, size - i * ETERNAL_BLOCK) * 8, 'eternalHandle');
}

/** HandleScopeData {next, limit, ...} candidates among an isolate's words, by the block that `limit` ends. */
export function handleScopeEnds(words: DataView): Map<Address, Address> {
  const nextByBlock = new Map<Address, Address>();
  for (let i = 0; i + 16 <= words.byteLength; i += 8) {
    const next = asAddress(words.getUint32(i, true), words.getUint32(i + 4, true));
    const limit = asAddress(words.getUint32(i + 8, true), words.getUint32(i + 12, true));
    if (next === undefined || limit === undefined || next === 0 || next % 8 !== 0 || limit % 8 !== 0) continue;
    if (next <= limit && limit - next <= HANDLE_BLOCK_BYTES) nextByBlock.set(limit - HANDLE_BLOCK_BYTES, next);
  }
  return nextByBlock;
}

/** Looks for {data, capacity, size} or {size, ..., data} vectors of handle blocks whose last block is the one that is open now. */
export function addHandleBlocks(roots: RootCollector, object: Address, ends: ReadonlyMap<Address, Address>): boolean {
  const { memory } = roots;
  for (let i = 0; i < OBJECT_WORDS; i++) {
    const data = tryPointer(memory, object + i * 8);
    if (data === undefined || data < 0x1000 || data % 8 !== 0) continue;
    for (const sizeAt of [object + i * 8 + 16, object + i * 8 + 8]) {
      if (!memory.isReadable(sizeAt, 8) || memory.readU32(sizeAt + 4) !== 0) continue;
      const size = memory.readU32(sizeAt);
      if (size === 0 || size > MAX_HANDLE_BLOCKS || !memory.isReadable(data, size * 8)) continue;
      const last = memory.readPointer(data + (size - 1) * 8);
      const next = last === undefined ? undefined : ends.get(last);
      if (last === undefined || next === undefined) continue;
      for (let block = 0; block < size - 1; block++) {
        const start = memory.readPointer(data + block * 8);
        if (start !== undefined && !roots.isHeap(start)) roots.addRange(start, start + HANDLE_BLOCK_BYTES, 'handleScope');
      }
      roots.addRange(last, next, 'handleScope');
      return true;
    }
  }
  return false;
}

/** From 13.x on the HandleScopeImplementer is part of the isolate itself. */
export function addHandleBlocksWithin(roots: RootCollector, isolate: { readonly address: Address }, words: DataView, ends: ReadonlyMap<Address, Address>): boolean {
  for (let i = 0; i + 8 <= words.byteLength; i += 8) {
    const data = asAddress(words.getUint32(i, true), words.getUint32(i + 4, true));
    if (data === undefined || data < 0x1000 || data % 8 !== 0 || roots.isHeap(data)) continue;
    const first = tryPointer(roots.memory, data);
    if (first === undefined || first < 0x1000) continue;
    if (addHandleBlocks(roots, isolate.address + i, ends)) return true;
  }
  return false;
}

/** The class id that the embedder gave the global handle whose node is at `node`; 0 for none. */
export function globalHandleClassId(memory: MemoryReader, node: Address): number {
  return memory.isReadable(node, NODE_BYTES) ? memory.readU16(node + NODE_CLASS_ID) : 0;
}
