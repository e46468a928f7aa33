import { describe, expect, it } from 'vitest';
import { addressOfRef, loadPage, refOfAddress } from '../../../src/v8/heap-memory.ts';
import { HeapWalker, type SkipRange } from '../../../src/v8/heap-walk.ts';
import { FIRST_PAGE, FakePages, READ_ONLY, TYPE, pointer, smi } from '../../support/fake-pages.ts';

const FREE_TAIL = 256 * 1024 - 0x1000;

/** Walks all pages; the second page is the one that tests fill. */
function walk(pages: FakePages, unused: readonly { start: number; end: number }[] = [], flags?: number) {
  const { parts, walk: setup } = pages.setup(flags);
  const walker = new HeapWalker(setup, pages);
  const ranges = unused.map(({ start, end }): SkipRange => ({ start: refOfAddress(parts, start), end: refOfAddress(parts, end), why: 'unused' }));
  walker.visitPage(0, []);
  walker.visitPage(1, ranges);
  return { parts, ...walker.finish() };
}

function withPage(): FakePages {
  const pages = new FakePages();
  pages.addPage(FIRST_PAGE);
  return pages;
}

describe('HeapWalker', () => {
  it('counts every object once, by map', () => {
    const pages = withPage();
    for (let i = 0; i < 10; i++) pages.object(FIRST_PAGE);
    pages.array(FIRST_PAGE, [smi(1), smi(2)]);
    const { walk: result, maps, parts } = walk(pages);
    expect(result.objects[1]).toBe(11);
    expect(result.bytes[1]).toBe(10 * 32 + 4 * 8);
    const row = maps.ref.findIndex((ref) => addressOfRef(parts, ref) === pages.maps.object);
    expect(maps.objects[row]).toBe(10);
    expect(maps.bytes[row]).toBe(320);
    expect(maps.type[row]).toBe(TYPE.object);
    expect(result.skippedBytes).toBe(0);
    expect(result.unusedBytes).toBe(2 * FREE_TAIL - result.bytes[0]! - result.bytes[1]!);
  });

  it('does not take free memory for objects', () => {
    const pages = withPage();
    pages.object(FIRST_PAGE);
    pages.free(FIRST_PAGE, 50);
    pages.object(FIRST_PAGE);
    const { walk: result } = walk(pages);
    expect(result.objects[1]).toBe(2);
    expect(result.freeBytes).toBe(400);
  });

  it('counts what does not parse, and goes on behind it', () => {
    const pages = withPage();
    pages.object(FIRST_PAGE);
    const junk = pages.allocate(FIRST_PAGE, 5);
    pages.write(junk, Array.from({ length: 5 }, (): [number, number] => [0xdeadbeef, 0x1234]));
    pages.object(FIRST_PAGE);
    const { walk: result, parts } = walk(pages);
    expect(result.objects[1]).toBe(2);
    expect(result.skippedBytes).toBe(40);
    const [problem] = result.problems.values();
    expect(problem).toMatchObject({ kind: 'bad-map', count: 1, bytes: 40 });
    expect(addressOfRef(parts, problem!.first)).toBe(junk);
  });

  it('refuses a size that runs past the page', () => {
    const pages = withPage();
    const liar = pages.allocate(FIRST_PAGE, 2);
    pages.write(liar, [pointer(pages.maps.array), smi(0x7fffffff)]);
    pages.object(FIRST_PAGE);
    const { walk: result } = walk(pages);
    expect(result.objects[1]).toBe(1);
    expect([...result.problems.keys()]).toEqual(['bad-size']);
  });

  it('passes over allocation areas, whatever is in them', () => {
    const pages = withPage();
    pages.object(FIRST_PAGE);
    const stale = pages.allocate(FIRST_PAGE, 8);
    pages.write(stale, [pointer(pages.maps.object), smi(1), smi(2), smi(3)]);
    pages.object(FIRST_PAGE);
    const { walk: result } = walk(pages, [{ start: stale, end: stale + 64 }]);
    expect(result.objects[1]).toBe(2);
  });

  it('takes what follows the allocation area of a page of new space for unused, when it is no object', () => {
    const build = (): FakePages => {
      const pages = withPage();
      pages.object(FIRST_PAGE);
      const area = pages.allocate(FIRST_PAGE, 8);
      const left = pages.allocate(FIRST_PAGE, 4);
      pages.write(left, [[0xdeadbeef, 1]]);
      expect(left).toBe(area + 64);
      return pages;
    };
    const area = { start: FIRST_PAGE + 0x1020, end: FIRST_PAGE + 0x1060 };
    const TO_PAGE = 16;
    expect(walk(build(), [area], TO_PAGE).walk.skippedBytes).toBe(0);
    expect(walk(build(), [area]).walk.skippedBytes).toBeGreaterThan(0);
  });

  it('says what the core does not hold, and does not call guards missing', () => {
    const pages = withPage();
    for (let i = 0; i < 4; i++) pages.object(FIRST_PAGE);
    pages.absent.push({ start: FIRST_PAGE + 0x3000, end: FIRST_PAGE + 0x5000, flags: 6 }, { start: FIRST_PAGE + 0x8000, end: FIRST_PAGE + 0x9000, flags: 0 });
    const { walk: result } = walk(pages);
    expect(result.objects[1]).toBe(4);
    expect(result.missingBytes).toBe(0x2000);
    expect(result.skippedBytes).toBe(0);
  });

  it('lists objects in dictionary mode', () => {
    const pages = withPage();
    pages.object(FIRST_PAGE);
    const dictionary = pages.object(FIRST_PAGE, [], 'dictionaryObject');
    const { walk: result, parts } = walk(pages);
    expect([...result.dictionaryObjects].map((ref) => addressOfRef(parts, ref))).toEqual([dictionary]);
  });

  it('does not believe a map that has no map of maps', () => {
    const pages = withPage();
    const lonely = pages.object(FIRST_PAGE);
    pages.write(lonely, [pointer(lonely), smi(9)]);
    const { walk: result } = walk(pages);
    expect(result.objects[1]).toBe(0);
    expect(result.skippedBytes).toBeGreaterThan(0);
  });

  it('reads a map from a page whose turn has not come', () => {
    const pages = withPage();
    pages.object(FIRST_PAGE);
    const { walk: setup } = pages.setup();
    const walker = new HeapWalker(setup, pages);
    walker.visitPage(1, []);
    expect(walker.finish().walk.objects[1]).toBe(1);
    expect(READ_ONLY).not.toBe(FIRST_PAGE);
  });
});

describe('HeapWalker, of a process that died while objects were moved', () => {
  const TO_PAGE = 16;
  const FROM_PAGE = 8;
  const SECOND_PAGE = FIRST_PAGE + 0x4_0000;

  function withTwoPages(): FakePages {
    const pages = withPage();
    pages.addPage(SECOND_PAGE);
    return pages;
  }

  function walkAll(pages: FakePages, own: ReadonlyMap<number, number>, isMoving: boolean, unused: readonly { start: number; end: number }[] = []) {
    const { parts, walk: setup } = pages.setup(4, own);
    const walker = new HeapWalker(setup, pages, isMoving);
    walker.visitPage(0, []);
    walker.visitPage(1, unused.map(({ start, end }): SkipRange => ({ start: refOfAddress(parts, start), end: refOfAddress(parts, end), why: 'unused' })));
    walker.visitPage(2, []);
    return { parts, ...walker.finish() };
  }

  it('counts the copy of an object that was moved, and takes its old place for free memory of the size of the copy', () => {
    for (const isMoving of [false, true]) {
      const pages = withTwoPages();
      const copy = pages.array(SECOND_PAGE, [smi(1), smi(2), smi(3)]);
      const old = pages.array(FIRST_PAGE, [pointer(pages.maps.object), smi(2), smi(3)]);
      pages.write(old, [pointer(copy, 0)]);
      pages.object(FIRST_PAGE);
      const { walk: result } = walkAll(pages, new Map([[FIRST_PAGE, FROM_PAGE]]), isMoving);
      expect([result.objects[1], result.objects[2]]).toEqual([1, 1]);
      expect([result.freeBytes, result.skippedBytes]).toEqual([40, 0]);
    }
  });

  it('finds the next object that was moved behind what does not parse', () => {
    const pages = withTwoPages();
    const copy = pages.object(SECOND_PAGE);
    const junk = pages.allocate(FIRST_PAGE, 2);
    pages.write(junk, [[0xdeadbeef, 0x1234], smi(3)]);
    const old = pages.object(FIRST_PAGE);
    pages.write(old, [pointer(copy, 0)]);
    const { walk: result } = walkAll(pages, new Map(), false);
    expect([result.skippedBytes, result.freeBytes]).toEqual([16, 32]);
  });

  it('does not follow forwarding words that lead to no object, or that stand where objects are moved to', () => {
    const pages = withTwoPages();
    const lost = pages.object(FIRST_PAGE);
    pages.write(lost, [pointer(SECOND_PAGE + 0x3_0000, 0)]);
    expect(walkAll(pages, new Map(), false).walk.skippedBytes).toBeGreaterThan(0);
    // New space is full of what was moved from it in earlier collections.
    for (const flags of [TO_PAGE, FROM_PAGE]) expect(walkAll(pages, new Map([[FIRST_PAGE, flags]]), false).walk.skippedBytes).toBe(0);
    const copy = pages.array(SECOND_PAGE, Array.from({ length: 20 }, () => smi(0)));
    pages.write(lost, [pointer(copy, 0)]);
    const own = new Map([[FIRST_PAGE, TO_PAGE]]);
    pages.object(FIRST_PAGE);
    const { walk: result } = walkAll(pages, own, true);
    expect([result.objects[1], result.freeBytes, result.skippedBytes]).toEqual([1, 0, 0]);
  });

  it('reads objects behind an allocation area of new space, whatever stands between', () => {
    const pages = withTwoPages();
    pages.object(FIRST_PAGE);
    const area = pages.allocate(FIRST_PAGE, 4);
    pages.write(pages.allocate(FIRST_PAGE, 4), [[0xdeadbeef, 1]]);
    pages.object(FIRST_PAGE);
    const own = new Map([[FIRST_PAGE, TO_PAGE]]);
    const areas = [{ start: area, end: area + 32 }];
    expect(walkAll(pages, own, false, areas).walk.objects[1]).toBe(1);
    const { walk: result } = walkAll(pages, own, true, areas);
    expect([result.objects[1], result.skippedBytes]).toEqual([2, 0]);
  });

  it('looks for objects in free memory of an earlier time', () => {
    const pages = withTwoPages();
    const free = pages.free(FIRST_PAGE, 12);
    pages.write(free + 64, [pointer(pages.maps.object), smi(1), smi(2), smi(3)]);
    const own = new Map([[FIRST_PAGE, TO_PAGE]]);
    expect(walkAll(pages, own, false).walk.objects[1]).toBe(0);
    expect(walkAll(pages, own, true).walk.objects[1]).toBe(1);
  });

  it('knows objects whose map was moved', () => {
    const pages = withTwoPages();
    const moved = pages.allocate(SECOND_PAGE, 9);
    pages.write(moved, [pointer(pages.maps.map), [4, TYPE.object], ...Array.from({ length: 7 }, () => smi(0))]);
    const old = pages.allocate(FIRST_PAGE, 9);
    pages.write(old, [pointer(moved, 0), [4, TYPE.object]]);
    for (const map of [old, moved]) pages.write(pages.allocate(FIRST_PAGE, 4), [pointer(map), smi(1), smi(2), smi(3)]);
    const { walk: result, maps, parts } = walkAll(pages, new Map(), false);
    expect([result.objects[1], result.skippedBytes]).toEqual([2, 0]);
    const rows = [...maps.ref].flatMap((ref, i) => (addressOfRef(parts, ref) === moved ? [maps.objects[i]!] : []));
    expect(rows).toEqual([1, 1]);
  });

  it('does not read a page from the core again that is in memory', () => {
    const pages = withTwoPages();
    pages.object(FIRST_PAGE);
    const { parts, walk: setup } = pages.setup();
    loadPage(parts, pages, 1);
    parts.words.set(pointer(pages.maps.dictionaryObject), refOfAddress(parts, FIRST_PAGE + 0x1000) * 2);
    const walker = new HeapWalker(setup, pages);
    walker.visitPage(1, []);
    expect(walker.finish().walk.dictionaryObjects).toHaveLength(1);
  });
});
