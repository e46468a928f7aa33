import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bufferSource } from '../../src/bytes/byte-source.ts';
import { CoreleakError } from '../../src/errors.ts';
import { computeEdgeSet } from '../../src/graph/distances.ts';
import { computeDominators } from '../../src/graph/dominators.ts';
import { takeGraphCensus } from '../../src/graph/graph-census.ts';
import { verifyGraph } from '../../src/graph/verify.ts';
import { parseSnapshot } from '../../src/snapshot/parse.ts';
import { stringTable } from '../../src/snapshot/strings.ts';
import { SMALL_HEAP, snapshotDocument, writeSnapshot } from '../support/snapshot-writer.ts';

const MAX_MS = 5000;

/** Either the bytes are a sound graph that can be counted, or they are refused with the file's name; both soon. */
function behaves(bytes: Uint8Array): 'read' | 'refused' {
  const start = performance.now();
  let outcome: 'read' | 'refused' = 'read';
  try {
    const { graph, strings, places } = parseSnapshot(bufferSource('it.heapsnapshot', bytes));
    expect(graph.nodeCount * 12).toBeLessThanOrEqual(bytes.length);
    expect(graph.edgeCount * 6).toBeLessThanOrEqual(bytes.length);
    expect(verifyGraph(graph).filter((problem) => problem.kind !== 'unreachable')).toEqual([]);
    const { census } = takeGraphCensus({ graph, strings: stringTable(strings), places });
    expect(census.shapes.reduce((sum, row) => sum + row.instances, 0)).toBeLessThanOrEqual(graph.nodeCount);
    const { retainedSize } = computeDominators(graph, computeEdgeSet(graph, 'essential'));
    expect(retainedSize.every((size, node) => size >= graph.nodeShallowSize[node]!)).toBe(true);
  } catch (error) {
    if (!(error instanceof CoreleakError)) throw error;
    expect(error.message).toMatch(/^it\.heapsnapshot: /);
    outcome = 'refused';
  }
  expect(performance.now() - start).toBeLessThan(MAX_MS);
  return outcome;
}

const original = writeSnapshot(SMALL_HEAP);

describe('damaged snapshots', () => {
  test('a file that is cut off anywhere is refused', () => {
    for (let length = 0; length < original.length; length++) expect(behaves(original.subarray(0, length)), `cut to ${length} bytes`).toBe('refused');
    expect(behaves(original)).toBe('read');
  });

  test('a file with changed bytes is read or refused', () => {
    const change = fc.record({ at: fc.nat(original.length - 1), byte: fc.oneof(fc.constantFrom(...Buffer.from('0123456789,[]{}":\\ -e.')), fc.nat(255)) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = Buffer.from(original);
        for (const { at, byte } of changes) bytes[at] = byte;
        behaves(bytes);
      }),
      { numRuns: 4000 },
    );
  });

  test('any numbers in any places are read or refused', () => {
    const value = fc.oneof(fc.nat(20), fc.nat(400), fc.constantFrom(-1, 2 ** 31, 2 ** 32, 2 ** 53, 1e15, 1e300, 0.5));
    const edit = fc.record({ section: fc.constantFrom('nodes' as const, 'edges' as const, 'locations' as const), at: fc.nat(200), value });
    const counts = fc.record({ nodes: fc.option(value), edges: fc.option(value) });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 5 }), counts, ({ length, ...edits }, { nodes, edges }) => {
        const document = snapshotDocument(SMALL_HEAP);
        for (let i = 0; i < length; i++) {
          const { section, at, value: number } = edits[i]!;
          document[section][at % document[section].length] = number;
        }
        if (nodes !== null) document.snapshot.node_count = nodes;
        if (edges !== null) document.snapshot.edge_count = edges;
        behaves(Buffer.from(JSON.stringify(document)));
      }),
      { numRuns: 3000 },
    );
  });

  test('any bytes behind a start that looks right are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        behaves(Buffer.concat([Buffer.from('{"snapshot":'), bytes]));
      }),
      { numRuns: 2000 },
    );
  });
});
