import { describe, expect, it } from 'vitest';
import { rankSuspects } from '../../../src/analysis/suspects.ts';
import type { Suspect } from '../../../src/analysis/suspect.ts';
import { EdgeKind, NodeKind } from '../../../src/graph/heap-graph.ts';
import type { NodeIndex } from '../../../src/graph/heap-graph.ts';
import { sentenceText } from '../../../src/render/format.ts';
import { HeldBuilder } from '../../support/held-heap.ts';

const MANY = 1500;
const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));

function ranked(draw: (heap: HeldBuilder) => void): Suspect[] {
  const builder = new HeldBuilder();
  draw(builder);
  const heap = builder.finish();
  return rankSuspects(heap.census, { heap });
}
const told = ({ title, route }: Suspect): string[] => [sentenceText(title), sentenceText(route).replace(/ @0x[0-9a-f]+$/, '')];
const codes = (suspect: Suspect | undefined): string[] => (suspect?.reasons ?? []).map((reason) => reason.code);

/** Sessions in an array that the global object holds by a name. */
function heldArray(heap: HeldBuilder, spare: number, count = MANY): void {
  const store = heap.node(NodeKind.Object, 'Object');
  heap.property(heap.global, 'kept', store);
  heap.property(store, 'sessions', heap.array(times(count, () => heap.object('Session', 200)), spare));
}

describe('an object that keeps very many alike ones', () => {
  it('is named with what it holds and how it is reached', () => {
    const [first, ...rest] = ranked((heap) => heldArray(heap, 10));
    expect(rest).toEqual([]);
    expect(told(first!)).toEqual(['1,500 Session retained by array global.kept.sessions', 'global.kept.sessions → Array[0] → Session']);
    expect(first).toMatchObject({ kind: 'instances', confidence: 'high', instances: MANY });
    expect(codes(first)).toEqual(expect.arrayContaining(['retained-share', 'held-by-one', 'only-here']));
    // The sessions, the array and its store.
    expect(first?.retainedBytes).toBe(MANY * 200 + 32 + 16 + 8 * (MANY + 10));
    expect(first?.path.map(({ label, edge }) => [label, edge])).toEqual([['global', 'kept'], ['Object', 'sessions'], ['Array', '0'], ['Session', undefined]]);
  });

  it('is none below a thousand, unless they are large together', () => {
    expect(ranked((heap) => heldArray(heap, 10, 19))).toEqual([]);
    const [few] = ranked((heap) => heldArray(heap, 10, 999));
    expect(codes(few)).toContain('held-by-one');
    const small = ranked((heap) => {
      heldArray(heap, 10, 999);
      heap.property(heap.global, 'other', heap.node(NodeKind.Object, 'Blob', 10_000_000));
    });
    expect(small).toEqual([]);
  });

  it('is not sure of fewer than two hundred, however large: a program may be at work on them', () => {
    const draw = (count: number) => (heap: HeldBuilder) =>
      heap.property(
        heap.global,
        'units',
        heap.array(
          times(count, () => heap.object('Unit', 100_000)),
          10,
        ),
      );
    expect(ranked(draw(199))[0]?.confidence).toBe('medium');
    expect(ranked(draw(200))[0]?.confidence).toBe('high');
  });

  it("passes over strings in a cache that is one of V8's roots, and not over those of a program", () => {
    const cached = ranked((heap) => {
      const roots = heap.node(NodeKind.Synthetic, '(Strong root list)', 0);
      const cache = heap.node(NodeKind.Array, '', 100_000);
      heap.edge(0, roots, EdgeKind.Element, 1);
      heap.edge(roots, cache, EdgeKind.Internal, 'number_string_cache');
      times(11_000, (at) => heap.edge(cache, heap.node(NodeKind.String, String(at)), EdgeKind.Internal, String(at)));
    });
    expect(cached).toEqual([]);
    const own = ranked((heap) =>
      heap.property(
        heap.global,
        'lines',
        heap.array(
          times(11_000, (at) => heap.node(NodeKind.String, `line ${at}`)),
          10,
        ),
      ),
    );
    expect(sentenceText(own[0]!.title)).toBe('11,000 strings retained by array global.lines');
  });

  it('is doubted where an array was made at once', () => {
    const [first] = ranked((heap) => heldArray(heap, 0));
    expect(codes(first)).toContain('made-at-once');
    expect(first?.confidence).not.toBe('high');
  });

  it('is doubted where a Map has lost entries', () => {
    const draw = (removed: number) => (heap: HeldBuilder) => {
      const map = heap.node(NodeKind.Object, 'Map');
      const table = heap.node(NodeKind.Array, '', 16 + 8 * (3 + 1024 + 3 * 2048));
      const hole = heap.node(NodeKind.Hidden, 'system / Oddball');
      heap.property(heap.global, 'cache', map);
      heap.edge(map, table, EdgeKind.Internal, 'table');
      for (let at = 0; at < MANY; at++) {
        const slot = 3 + 1024 + 3 * at;
        heap.edge(table, at < removed ? hole : heap.node(NodeKind.String, `user-${at}`), EdgeKind.Internal, String(slot));
        heap.edge(table, at < removed ? hole : heap.object('Session', 200), EdgeKind.Internal, String(slot + 1));
      }
    };
    const [grown] = ranked(draw(0));
    expect(told(grown!)).toEqual(['1,500 Session retained by Map global.cache', 'global.cache → Map → ["use…"] → Session']);
    expect(grown?.confidence).toBe('high');
    const [bounded] = ranked(draw(100));
    expect(codes(bounded)).toContain('entries-removed');
    expect(bounded?.confidence).not.toBe('high');
  });

  it('names the class that comes with each plain object, and the variable of the module', () => {
    const [first] = ranked((heap) => {
      const entries = times(MANY, () => {
        const entry = heap.node(NodeKind.Object, 'Object');
        heap.property(entry, 'order', heap.object('Order', 300));
        return entry;
      });
      const { closure } = heap.closure('onRequest', { pending: heap.array(entries, 5) });
      heap.property(heap.global, 'listener', closure);
    });
    expect(told(first!)).toEqual(['1,500 Order retained by array pending', 'module server.js → pending → Array[0].order → Order']);
  });

  it('finds closures by their definition', () => {
    const [first] = ranked((heap) => {
      const outer = heap.closure('start', {});
      const listeners = times(MANY, () => heap.closure('onData', { chunk: heap.node(NodeKind.String, 'x', 400) }, outer.context).closure);
      heap.property(heap.global, 'listeners', heap.array(listeners, 9));
    });
    expect(told(first!)[0]).toBe('1,500 closures of onData retained by array global.listeners');
    expect(first).toMatchObject({ kind: 'functions', code: { name: 'onData', script: '/srv/app/server.js', line: 10, column: 5 } });
  });
});

describe('chains', () => {
  const chain = (heap: HeldBuilder, length: number): NodeIndex => {
    const nodes = times(length, () => heap.object('Job', 100));
    for (let at = 1; at < length; at++) heap.property(nodes[at - 1]!, 'next', nodes[at]!);
    return nodes[0]!;
  };
  it('are found from their head, however long', () => {
    const [first] = ranked((heap) => {
      const queue = heap.object('JobQueue');
      heap.property(heap.global, 'queue', queue);
      heap.property(queue, 'head', chain(heap, 20_000));
    });
    expect(told(first!)).toEqual(['20,000 Job in a chain retained by JobQueue global.queue', 'global.queue → JobQueue.head → Job']);
    expect(codes(first)).toContain('chain');
    expect(first?.confidence).toBe('high');
  });
  it('are told from trees', () => {
    const suspects = ranked((heap) => {
      const grow = (depth: number): NodeIndex => {
        const node = heap.object('TreeNode', 100);
        if (depth > 0) for (const side of ['left', 'right']) heap.property(node, side, grow(depth - 1));
        return node;
      };
      heap.property(heap.global, 'tree', grow(11));
    });
    expect(suspects.filter((suspect) => suspect.confidence === 'high')).toEqual([]);
    expect(suspects.flatMap(codes)).not.toContain('chain');
  });
});

describe('what is shared or scattered', () => {
  it('is no pile in one place: objects that many others hold', () => {
    const suspects = ranked((heap) => {
      const { context } = heap.closure('main', {});
      heap.edge(heap.global, context, EdgeKind.Internal, 'context');
      const owners = times(40, () => heap.node(NodeKind.Object, 'Object', 16));
      for (const [at, owner] of owners.entries()) heap.edge(context, owner, EdgeKind.Context, `owner${at}`);
      for (let at = 0; at < MANY; at++) {
        const shared = heap.object('Shared', 100);
        heap.property(owners[at % 40]!, `a${at}`, shared);
        heap.property(owners[(at + 1) % 40]!, `b${at}`, shared);
      }
    });
    expect(suspects.flatMap(codes)).not.toContain('held-by-one');
    expect(suspects.filter((suspect) => suspect.confidence === 'high')).toEqual([]);
  });
});

it('gives the same fingerprint whatever the addresses, counts and keys', () => {
  const of = (count: number, before: number): string | undefined =>
    ranked((heap) => {
      for (let at = 0; at < before; at++) heap.node(NodeKind.Number, '1');
      heldArray(heap, 10, count);
    })[0]?.fingerprint;
  expect(of(1500, 0)).toBe(of(2400, 77));
});
