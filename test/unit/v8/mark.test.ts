import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeapWalker } from '../../../src/v8/heap-walk.ts';
import { loadPage, refOfAddress } from '../../../src/v8/heap-memory.ts';
import { makeMarkPool } from '../../../src/v8/mark-pool.ts';
import { Marker, type MarkResult } from '../../../src/v8/mark.ts';
import { FIRST_PAGE, FakePages, pointer, smi } from '../../support/fake-pages.ts';

/** Walks all pages, marks from the roots, and says which addresses were reached. */
function mark(pages: FakePages, roots: readonly number[]): { isLive: (address: number) => boolean; result: MarkResult } {
  const { parts, walk, rules } = pages.setup();
  const walker = new HeapWalker(walk, pages);
  for (const index of parts.pages.keys()) {
    walker.visitPage(index, []);
    loadPage(parts, pages, index);
  }
  const marker = new Marker(walk, rules, makeMarkPool(1));
  for (const root of roots) marker.push(refOfAddress(parts, root));
  const tables = marker.drain(() => undefined);
  marker.markEphemerons(tables, () => undefined);
  const isLive = (address: number): boolean => {
    const ref = refOfAddress(parts, address);
    return (parts.bits[(ref >>> 5) * 2 + 1]! & (1 << (ref & 31))) !== 0;
  };
  return { isLive, result: marker.finish() };
}

function withPage(): FakePages {
  const pages = new FakePages();
  pages.addPage(FIRST_PAGE);
  return pages;
}

describe('Marker', () => {
  it('follows strong references and leaves weak ones', () => {
    const pages = withPage();
    const strong = pages.object(FIRST_PAGE);
    const weak = pages.object(FIRST_PAGE);
    const root = pages.object(FIRST_PAGE, [pointer(strong), pointer(weak, 3)]);
    const { isLive } = mark(pages, [root]);
    expect([isLive(root), isLive(strong), isLive(weak)]).toEqual([true, true, false]);
  });

  it('counts references to objects that were not walked or have been moved, and no others', () => {
    const pages = withPage();
    const copy = pages.object(FIRST_PAGE);
    const old = pages.object(FIRST_PAGE);
    pages.write(old, [pointer(copy, 0)]);
    const toItself = pages.object(FIRST_PAGE);
    pages.write(toItself, [pointer(toItself, 0)]);
    const holder = pages.array(FIRST_PAGE, [pointer(pages.maps.object), smi(1)]);
    const strays = (...fields: [number, number][]): number => mark(pages, [pages.object(FIRST_PAGE, fields)]).result.strays;
    expect(strays(pointer(copy), pointer(holder), smi(1))).toBe(0);
    expect(strays(pointer(holder + 8), pointer(0x7abc_0000_0000), pointer(old, 3))).toBe(0);
    expect(strays(pointer(old))).toBe(1);
    expect(strays(pointer(toItself))).toBe(1);
    // An element that names a map looks like the start of an object.
    expect(strays(pointer(holder + 16), pointer(old))).toBe(2);
  });

  it('does not keep the target of a WeakRef', () => {
    const pages = withPage();
    const target = pages.object(FIRST_PAGE);
    const kept = pages.object(FIRST_PAGE);
    const root = pages.object(FIRST_PAGE, [pointer(kept), smi(0), pointer(target)], 'weakRef');
    const { isLive } = mark(pages, [root]);
    expect([isLive(kept), isLive(target)]).toEqual([true, false]);
  });

  it('keeps the value of an ephemeron only while its key lives, also through a chain in the wrong order', () => {
    const pages = withPage();
    const keys = Array.from({ length: 5 }, () => pages.object(FIRST_PAGE));
    const orphanKey = pages.object(FIRST_PAGE);
    const orphan = pages.object(FIRST_PAGE);
    const last = pages.object(FIRST_PAGE);
    // key i -> key i + 1, written from the last to the first.
    const entries = keys.flatMap((key, i) => [pointer(key), pointer(keys[i + 1] ?? last)] as const).reverse();
    const pairs = [];
    for (let i = 0; i < entries.length; i += 2) pairs.push(entries[i + 1]!, entries[i]!);
    const table = pages.array(FIRST_PAGE, [smi(6), smi(0), smi(6), ...pairs, pointer(orphanKey), pointer(orphan)], 'ephemerons');
    const dead = mark(pages, [table]);
    expect(keys.some(dead.isLive)).toBe(false);
    const { isLive } = mark(pages, [table, keys[0]!]);
    expect(keys.every(isLive)).toBe(true);
    expect([isLive(last), isLive(orphan), isLive(orphanKey)]).toEqual([true, false, false]);
  });

  it('finds a table that only an ephemeron value leads to', () => {
    const pages = withPage();
    const key = pages.object(FIRST_PAGE);
    const value = pages.object(FIRST_PAGE);
    const inner = pages.array(FIRST_PAGE, [smi(1), smi(0), smi(1), pointer(key), pointer(value)], 'ephemerons');
    const outer = pages.array(FIRST_PAGE, [smi(1), smi(0), smi(1), pointer(key), pointer(inner)], 'ephemerons');
    expect(mark(pages, [outer, key]).isLive(value)).toBe(true);
    expect(mark(pages, [outer]).isLive(value)).toBe(false);
  });

  it('counts closures by definition', () => {
    const pages = withPage();
    const shared = pages.object(FIRST_PAGE);
    const closures = Array.from({ length: 3 }, () => pages.object(FIRST_PAGE, [smi(0), smi(0), pointer(shared)], 'function'));
    const { result } = mark(pages, closures);
    expect(result.functions[1]).toBe(3);
    expect(result.functions).toHaveLength(3);
  });

  it('ignores words that lead into the middle of an object or outside of the heap', () => {
    const pages = withPage();
    const victim = pages.object(FIRST_PAGE);
    const root = pages.object(FIRST_PAGE, [pointer(victim + 8), pointer(0x1234_0000), [0xffffffff, 0xffffffff]]);
    const { isLive, result } = mark(pages, [root]);
    expect(isLive(victim)).toBe(false);
    expect(result.objects).toBe(3); // the root, its map and the map of maps
  });

  it('reaches what a plain search reaches, on random graphs', () => {
    const graph = fc.array(fc.tuple(fc.nat(59), fc.nat(59), fc.boolean()), { maxLength: 200 });
    fc.assert(
      fc.property(graph, fc.array(fc.nat(59), { maxLength: 4 }), (edges, roots) => {
        const pages = withPage();
        const size = 60;
        const nodes = Array.from({ length: size }, () => pages.allocate(FIRST_PAGE, 12));
        const out = nodes.map(() => [] as { to: number; weak: boolean }[]);
        for (const [from, to, weak] of edges) if (out[from]!.length < 10) out[from]!.push({ to, weak });
        for (const [i, node] of nodes.entries()) {
          const words = Array.from({ length: 10 }, (_, k) => (out[i]![k] === undefined ? smi(k) : pointer(nodes[out[i]![k].to]!, out[i]![k].weak ? 3 : 1)));
          pages.write(node, [pointer(pages.maps.array), smi(10), ...words]);
        }
        const expected = new Set<number>();
        const queue = [...roots];
        for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
          if (expected.has(next)) continue;
          expected.add(next);
          for (const { to, weak } of out[next]!) if (!weak) queue.push(to);
        }
        const { isLive } = mark(pages, roots.map((root) => nodes[root]!));
        expect(nodes.flatMap((node, i) => (isLive(node) ? [i] : []))).toEqual([...expected].sort((a, b) => a - b));
      }),
      { numRuns: 100 },
    );
  });
});
