import { describe, expect, it } from 'vitest';
import { CANNED, TABLE_VERSIONS } from '../../../src/v8/canned.ts';
import { SLOT_BYTES, addressOfRef, allocateHeapMemory, refOfAddress } from '../../../src/v8/heap-memory.ts';
import type { V8Layout } from '../../../src/v8/layout.ts';
import { findPages } from '../../../src/v8/pages.ts';

const HEAP = 0x2000_4000;
const METADATA = 0x3000_0000;
const BASE = 0x1234_0000_0000;

/** A layout that knows page headers only. */
function layoutOf(column: number): V8Layout {
  const at = Object.fromEntries(Object.keys(CANNED).map((name) => [name, CANNED[name as keyof typeof CANNED].values[column] ?? Number.NaN]));
  return { column, at } as unknown as V8Layout;
}

/** Memory of `count` pages with headers as a version writes them, 1 MiB apart. */
function memoryOf(column: number, count: number, change: (view: DataView, index: number) => void = () => undefined) {
  const { at } = layoutOf(column);
  const blocks = new Map<number, Uint8Array>();
  const pages = Array.from({ length: count }, (_, i) => BASE + i * 4 * SLOT_BYTES);
  for (const [i, base] of pages.entries()) {
    const header = new Uint8Array(128);
    const view = new DataView(header.buffer);
    const indirect = at.pageMetadataIndirect === 1;
    const metadata = indirect ? new Uint8Array(128) : header;
    const fields = new DataView(metadata.buffer);
    const put = (target: DataView, offset: number, value: number): void => {
      target.setUint32(offset, value % 2 ** 32, true);
      target.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
    };
    put(fields, at.pageSize, SLOT_BYTES);
    put(fields, at.pageHeap, HEAP);
    put(fields, at.pageAreaStart, base + 0x1000);
    put(fields, at.pageAreaEnd, base + SLOT_BYTES);
    put(view, at.pageFlags, 4);
    if (indirect) put(view, 8, METADATA + i * 4096);
    change(fields, i);
    blocks.set(base, header);
    if (indirect) blocks.set(METADATA + i * 4096, metadata);
  }
  return {
    pages,
    mappings: pages.map((start) => ({ start, savedEnd: start + SLOT_BYTES })),
    readInto(target: Uint8Array, address: number): number {
      const block = blocks.get(address);
      if (block === undefined) return 0;
      target.set(block.subarray(0, target.length));
      return Math.min(block.length, target.length);
    },
  };
}

describe('findPages', () => {
  it.each(TABLE_VERSIONS.map((version, column) => [version, column] as const))('finds the pages of V8 %s', (_, column) => {
    const memory = memoryOf(column, 12);
    const search = findPages(memory, layoutOf(column));
    expect(search.pages.map((page) => page.base)).toEqual(memory.pages);
    expect(search.heaps).toEqual([HEAP]);
    expect(search.derived).toEqual([]);
    expect(search.pages[0]).toMatchObject({ areaStart: BASE + 0x1000, areaEnd: BASE + SLOT_BYTES, size: SLOT_BYTES, heap: HEAP });
  });

  it.each([0, 1, 2, 3])('leaves out pages that the collector has given back (column %i)', (column) => {
    const { at } = layoutOf(column);
    const memory = memoryOf(column, 12, (header, i) => {
      if (i === 5) header.setUint32(at.pageFlags, 4 + at.pageFreedFlag, true);
    });
    expect(findPages(memory, layoutOf(column)).pages.map((page) => page.base)).toEqual(memory.pages.filter((_, i) => i !== 5));
  });

  it('takes the header layout of another version when the own finds nothing, and says so', () => {
    const search = findPages(memoryOf(5, 12), layoutOf(0));
    expect(search.pages).toHaveLength(12);
    expect(search.derived.find((constant) => constant.name === 'pageAreaStart')).toMatchObject({ value: 72, origin: 'derived' });
  });

  it('refuses headers that lie', () => {
    const { at } = layoutOf(2);
    const lies: ((view: DataView) => void)[] = [
      (view) => view.setUint32(at.pageSize, 12345, true),
      (view) => view.setUint32(at.pageAreaEnd + 4, 0xffff, true),
      (view) => view.setUint32(at.pageAreaStart, 3, true),
      (view) => view.setUint32(at.pageHeap, 7, true),
      (view) => view.setUint32(at.pageFlags + 4, 0xffffffff, true),
    ];
    const search = findPages(
      memoryOf(2, 20, (view, i) => lies[i]?.(view)),
      layoutOf(2),
    );
    expect(search.pages).toHaveLength(20 - lies.length);
  });

  it('does not take a few pages that agree by chance for a heap', () => {
    expect(findPages(memoryOf(2, 5), layoutOf(2)).heaps).toEqual([]);
  });
});

describe('heap memory', () => {
  it('names every word of every page once, and goes back', () => {
    const pages = Array.from({ length: 300 }, (_, i) => {
      const base = ((i * 7919) % 1000) * 97 * SLOT_BYTES + 0x5500_0000_0000;
      const size = i % 10 === 0 ? 3 * SLOT_BYTES - 4096 : SLOT_BYTES;
      return { base: base - (base % SLOT_BYTES), size, areaStart: base + 4096, areaEnd: base + size, heap: HEAP, owner: 0, flags: 0, isLarge: size > SLOT_BYTES, isNew: false, isCode: false };
    });
    const distinct = [...new Map(pages.map((page) => [page.base, page])).values()].sort((a, b) => a.base - b.base).filter((page, i, all) => i === 0 || all[i - 1]!.base + 4 * SLOT_BYTES <= page.base);
    const parts = allocateHeapMemory(distinct);
    const refs = new Set<number>();
    for (const page of parts.pages) {
      for (const offset of [0, 8, 4096, SLOT_BYTES - 8, ...(page.slots > 1 ? [SLOT_BYTES, 2 * SLOT_BYTES + 8] : [])]) {
        const ref = refOfAddress(parts, page.base + offset);
        expect(addressOfRef(parts, ref)).toBe(page.base + offset);
        expect(refs.has(ref)).toBe(false);
        refs.add(ref);
      }
    }
    expect(refOfAddress(parts, 0x1000)).toBe(-1);
    expect(refOfAddress(parts, 2 ** 47 + 8)).toBe(-1);
    expect(refOfAddress(parts, distinct.at(-1)!.base + 100 * SLOT_BYTES)).toBe(-1);
  });
});
