import { describe, expect, it } from 'vitest';
import { HeapGraphBuilder } from '../../../src/graph/builder.ts';
import { entryLayout, readTraces } from '../../../src/graph/graph-collections.ts';
import type { HeapGraph } from '../../../src/graph/heap-graph.ts';
import { EdgeKind, NodeKind } from '../../../src/graph/heap-graph.ts';

/** A Map with a table of `buckets`, whose entries stand at the places given; node 0 is the Map. */
function mapWith(buckets: number, places: readonly number[]): HeapGraph {
  const builder = new HeapGraphBuilder('snapshot-id');
  const map = builder.addNode({ kind: NodeKind.Object, name: 'Map', shallowSize: 32 });
  const table = builder.addNode({ kind: NodeKind.Array, name: '', shallowSize: 16 + (3 + buckets + 2 * buckets * 3) * 8 });
  builder.addEdge(map, table, EdgeKind.Internal, 'table');
  for (const place of places) {
    const first = 3 + buckets + place * 3;
    builder.addEdge(table, builder.addNode({ kind: NodeKind.String, name: `key ${place}`, shallowSize: 24 }), EdgeKind.Internal, String(first));
    builder.addEdge(table, builder.addNode({ kind: NodeKind.Object, name: 'Value', shallowSize: 24 }), EdgeKind.Internal, String(first + 1));
  }
  return builder.finish();
}

describe('entryLayout', () => {
  it('tells a table of a Map from one of a Set by its size', () => {
    expect(entryLayout(16 + (3 + 8 + 16 * 3) * 8)).toEqual({ first: 11, width: 3 });
    expect(entryLayout(16 + (3 + 8 + 16 * 2) * 8)).toEqual({ first: 11, width: 2 });
    expect(entryLayout(16 + 9 * 8)).toBeUndefined();
  });
});

describe('readTraces', () => {
  it('finds no removal where entries stand one after the other', () => {
    expect(readTraces(mapWith(4, [0, 1, 2, 3]), 0).removedShare).toBe(0);
  });

  it('takes empty places before and between entries for those of removed ones', () => {
    expect(readTraces(mapWith(4, [2, 3, 5]), 0).removedShare).toBe(0.5);
  });
});
