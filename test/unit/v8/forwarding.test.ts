import { describe, expect, it } from 'vitest';
import { followMoved, forwardingTarget, restoreLargeArrays, updateReferences } from '../../../src/v8/forwarding.ts';
import { type HeapMemoryParts, addressOfRef, loadPage, refOfAddress } from '../../../src/v8/heap-memory.ts';
import { HeapWalker } from '../../../src/v8/heap-walk.ts';
import { FIRST_PAGE, FakePages, pointer, smi } from '../../support/fake-pages.ts';

const SECOND_PAGE = FIRST_PAGE + 0x4_0000;
const LARGE_PAGE = FIRST_PAGE + 0x8_0000;

function withPages(): FakePages {
  const pages = new FakePages();
  pages.addPage(FIRST_PAGE);
  pages.addPage(SECOND_PAGE);
  return pages;
}

/** An object on the first page that was moved to the second: the copy, and what is left. */
function moveObject(pages: FakePages): { old: number; copy: number } {
  const copy = pages.object(SECOND_PAGE);
  const old = pages.object(FIRST_PAGE);
  pages.write(old, [pointer(copy, 0)]);
  return { old, copy };
}

function load(pages: FakePages): HeapMemoryParts {
  const { parts, walk } = pages.setup();
  const walker = new HeapWalker(walk, pages);
  for (const index of parts.pages.keys()) {
    loadPage(parts, pages, index);
    walker.visitPage(index, []);
  }
  return parts;
}

const wordAt = (parts: HeapMemoryParts, address: number): [number, number] => {
  const ref = refOfAddress(parts, address);
  return [parts.words[ref * 2]!, parts.words[ref * 2 + 1]!];
};

describe('forwardingTarget', () => {
  it('takes untagged addresses of the heap only', () => {
    const pages = withPages();
    const { parts } = pages.setup();
    const target = FIRST_PAGE + 0x2000;
    expect(addressOfRef(parts, forwardingTarget(parts, ...pointer(target, 0)))).toBe(target);
    for (const word of [pointer(target), pointer(target, 3), smi(5), [0, 0] as const, pointer(0x7abc_0000_0000, 0), [8, 0xffff_8000] as const]) {
      expect(forwardingTarget(parts, ...(word as [number, number])), word.join()).toBe(-1);
    }
  });
});

describe('updateReferences', () => {
  it('makes strong and weak references to a moved object name its copy, and no others', () => {
    const pages = withPages();
    const { old, copy } = moveObject(pages);
    const other = pages.object(FIRST_PAGE);
    const holder = pages.array(FIRST_PAGE, [pointer(old), pointer(old, 3), pointer(other), smi(7), pointer(old, 0)]);
    const parts = load(pages);
    expect(updateReferences(parts)).toBe(2);
    const elements = Array.from({ length: 5 }, (_, i) => wordAt(parts, holder + 16 + i * 8));
    expect(elements).toEqual([pointer(copy), pointer(copy, 3), pointer(other), smi(7), pointer(old, 0)]);
  });

  it('leaves a reference to a place whose forwarding word leads to no object', () => {
    const pages = withPages();
    const stale = pages.object(FIRST_PAGE);
    pages.write(stale, [pointer(SECOND_PAGE + 0x3_0000, 0)]);
    const holder = pages.array(FIRST_PAGE, [pointer(stale)]);
    const parts = load(pages);
    expect(updateReferences(parts)).toBe(0);
    expect(wordAt(parts, holder + 16)).toEqual(pointer(stale));
  });
});

describe('followMoved', () => {
  it('replaces the refs of moved objects', () => {
    const pages = withPages();
    const { old, copy } = moveObject(pages);
    const other = pages.object(FIRST_PAGE);
    const parts = load(pages);
    const refs = Int32Array.from([old, other].map((address) => refOfAddress(parts, address)));
    followMoved(parts, refs);
    expect([...refs].map((ref) => addressOfRef(parts, ref))).toEqual([copy, other]);
  });
});

describe('restoreLargeArrays', () => {
  /** A large page with one array that forwards to itself, its area ending where the array does unless `slack` is given. */
  function withLarge(elements: readonly (readonly [number, number])[], slack = 0): { parts: HeapMemoryParts; at: number; pages: FakePages } {
    const pages = withPages();
    pages.addPage(LARGE_PAGE);
    const at = pages.array(LARGE_PAGE, elements);
    pages.write(at, [pointer(at, 0)]);
    const parts = load(pages);
    const found = parts.pages.map((page) => (page.base === LARGE_PAGE ? { ...page, isLarge: true, areaEnd: at + 16 + elements.length * 8 + slack } : page));
    return { parts: { ...parts, pages: found }, at, pages };
  }
  const restore = ({ parts, pages }: ReturnType<typeof withLarge>): number =>
    restoreLargeArrays(parts, { tagged: refOfAddress(parts, pages.maps.array), doubles: refOfAddress(parts, pages.maps.ephemerons) });

  it('gives an array of tagged words its map back', () => {
    const large = withLarge([smi(1), pointer(FIRST_PAGE + 0x1000), smi(-1)]);
    expect(restore(large)).toBe(1);
    expect(wordAt(large.parts, large.at)).toEqual(pointer(large.pages.maps.array));
  });

  it('tells an array of doubles by its elements', () => {
    const large = withLarge([smi(1), [0x3333_3333, 0x3fd3_3333]]);
    expect(restore(large)).toBe(1);
    expect(wordAt(large.parts, large.at)).toEqual(pointer(large.pages.maps.ephemerons));
  });

  it('leaves what does not fill its page as an array of its length would', () => {
    const large = withLarge([smi(1), smi(2)], 8);
    expect(restore(large)).toBe(0);
    expect(wordAt(large.parts, large.at)).toEqual(pointer(large.at, 0));
  });

  it('leaves objects that have a map, or that were moved elsewhere', () => {
    const large = withLarge([smi(1)]);
    large.parts.words.set(pointer(large.pages.maps.array), refOfAddress(large.parts, large.at) * 2);
    expect(restore(large)).toBe(0);
    large.parts.words.set(pointer(SECOND_PAGE + 0x1000, 0), refOfAddress(large.parts, large.at) * 2);
    expect(restore(large)).toBe(0);
  });
});
