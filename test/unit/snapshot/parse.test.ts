import { describe, expect, it } from 'vitest';
import { bufferSource } from '../../../src/bytes/byte-source.ts';
import type { ByteSource } from '../../../src/bytes/byte-source.ts';
import { InterruptedError, LimitError, MalformedInputError, UnsupportedError } from '../../../src/errors.ts';
import { EdgeKind, graphOfColumns, NodeKind } from '../../../src/graph/heap-graph.ts';
import { verifyGraph } from '../../../src/graph/verify.ts';
import { looksLikeSnapshot } from '../../../src/snapshot/header.ts';
import { JsonReader } from '../../../src/snapshot/json-reader.ts';
import { findNodeOfId, parseSnapshot } from '../../../src/snapshot/parse.ts';
import { previewNode } from '../../../src/snapshot/preview.ts';
import { stringTable } from '../../../src/snapshot/strings.ts';
import { SMALL_HEAP, snapshotDocument, writeSnapshot } from '../../support/snapshot-writer.ts';
import type { SnapshotDocument } from '../../support/snapshot-writer.ts';

const sourceOf = (document: unknown): ByteSource => bufferSource('x.heapsnapshot', Buffer.from(JSON.stringify(document)));
/** A document with one thing changed. */
const spoiled = (change: (document: SnapshotDocument) => void): ByteSource => {
  const document = snapshotDocument(SMALL_HEAP);
  change(document);
  return sourceOf(document);
};
const noShapes = { length: 0, at: () => ({ constructorName: '', properties: [] }) };

describe('parseSnapshot', () => {
  it.each([16, 20, 26] as const)('reads the format of Node %s', (format) => {
    const { graph, strings, places } = parseSnapshot(bufferSource('x', writeSnapshot(SMALL_HEAP, format)));
    const table = stringTable(strings);
    expect(graph).toMatchObject({ nodeCount: SMALL_HEAP.nodes.length, edgeCount: 12, keyKind: 'snapshot-id' });
    expect(Array.from(graph.nodeName, (row) => table.at(row))).toEqual(SMALL_HEAP.nodes.map((node) => node.name));
    expect(Array.from(graph.nodeShallowSize)).toEqual(SMALL_HEAP.nodes.map((node) => node.size));
    expect(Array.from(graph.nodeKind.slice(0, 4))).toEqual([NodeKind.Synthetic, NodeKind.Object, NodeKind.Synthetic, NodeKind.Object]);
    const whole = graphOfColumns(graph, table, noShapes);
    expect(whole.edgeLabel(0)).toEqual({ kind: EdgeKind.Shortcut, name: 'global' });
    expect(whole.edgeLabel(1)).toEqual({ kind: EdgeKind.Element, name: 1 });
    expect(Array.from(places)).toEqual([6, 7, 9, 4, 3, 7, 1, 2]);
    expect(verifyGraph(graph).filter((problem) => problem.kind !== 'unreachable')).toEqual([]);
  });

  it('takes white space, unknown members and types of later versions', () => {
    const document = snapshotDocument(SMALL_HEAP);
    const types = document.snapshot.meta['node_types'] as [string[]];
    types[0] = types[0].map((type) => (type === 'bigint' ? 'something new' : type));
    const { snapshot, ...rest } = document;
    const text = JSON.stringify({ snapshot, later: [{ a: ['}', '\\"]'] }, [[]], -1.5e3, null], ...rest }, null, 2);
    expect(parseSnapshot(bufferSource('x', Buffer.from(text))).graph.edgeCount).toBe(12);
  });

  it('reads a file in pieces of any cut', () => {
    const bytes = writeSnapshot(SMALL_HEAP);
    const whole = parseSnapshot(bufferSource('x', bytes));
    for (const step of [1, 2, 3, 7, 64]) {
      const inPieces: ByteSource = { ...bufferSource('x', bytes), name: 'x', size: bytes.length, readInto: (target, at) => bytes.copy(target, 0, at, Math.min(bytes.length, at + Math.min(step, target.length))) };
      const parsed = parseSnapshot(inPieces);
      expect(parsed.graph).toEqual(whole.graph);
      expect(Buffer.from(parsed.strings.bytes).equals(Buffer.from(whole.strings.bytes))).toBe(true);
    }
  });

  it('tells the two edges of a WeakMap entry by their name', () => {
    const name = (edge: number): string => `${edge} / part of key (Key @7) -> value (Value @9) pair in WeakMap (table @5)`;
    const { graph } = parseSnapshot(
      bufferSource(
        'x',
        writeSnapshot({
          nodes: [
            { type: 'synthetic', name: '', size: 0, edges: [{ type: 'property', name: 'a', to: 1 }, { type: 'property', name: 'b', to: 3 }] },
            { type: 'object', name: 'WeakMap', size: 8, edges: [{ type: 'internal', name: 'table', to: 2 }] },
            { type: 'array', name: '', size: 8, edges: [{ type: 'internal', name: name(1), to: 4 }] },
            { type: 'object', name: 'Key', size: 8, edges: [{ type: 'internal', name: name(2), to: 4 }] },
            { type: 'object', name: 'Value', size: 8 },
          ],
        }),
      ),
    );
    expect(Array.from(graph.edgeKind)).toEqual([EdgeKind.Property, EdgeKind.Property, EdgeKind.Internal, EdgeKind.EphemeronTable, EdgeKind.Ephemeron]);
  });

  it.each<[string, (document: SnapshotDocument) => void, RegExp]>([
    ['more nodes than the file can hold', (d) => (d.snapshot.node_count = 1e9), /node_count at offset \d+: 1000000000 records do not fit/],
    ['more edges than the file can hold', (d) => (d.snapshot.edge_count = 1e12), /edge_count .* do not fit/],
    ['a count that is none', (d) => (d.snapshot.node_count = -1), /node_count .* a count is expected/],
    ['fewer nodes than counted', (d) => d.nodes.splice(-6), /nodes at offset \d+: 12 are fewer than the 13/],
    ['more nodes than counted', (d) => d.nodes.push(0, 0, 99, 0, 0, 0), /there are more than the 13/],
    ['a node cut short', (d) => d.nodes.pop(), /the last record has 5 of 6 numbers/],
    ['fewer edges than counted', (d) => d.edges.splice(-3), /edges at offset \d+: 11 are fewer than the 12/],
    ['an edge to no node', (d) => (d.edges[2] = 6 * 13), /edges\.to_node .* 78 is no node of 13/],
    ['an edge into a node', (d) => (d.edges[2] = 5), /edges\.to_node .* 5 is no node/],
    ['an edge of no type', (d) => (d.edges[0] = 7), /edges\.type .* 7 is none of 7/],
    ['a node of no type', (d) => (d.nodes[0] = 99), /nodes\.type .* 99 is none/],
    ['a name that is no string', (d) => (d.nodes[1] = 500), /name at offset \d+: 500 is none of/],
    ['a negative size', (d) => (d.nodes[9] = -8), /nodes\.self_size .* -8/],
    ['too many edges of a node', (d) => (d.nodes[4] = 900), /nodes\.edge_count .* 900 edges are more than the 12/],
    ['a fraction', (d) => (d.nodes[3] = 0.5), /a whole number/],
    ['a number past all sizes', (d) => (d.nodes[3] = 2 ** 60), /a whole number/],
    ['a location of no node', (d) => (d.locations[0] = 7), /locations\.object_index .* 7 is no node/],
    ['no field self_size', (d) => (d.snapshot.meta['node_fields'] = ['type', 'name', 'id', 'edge_count']), /meta\.node_fields .* no field self_size/],
    ['fields that are no list', (d) => (d.snapshot.meta['edge_fields'] = 'type'), /meta\.edge_fields .* a list/],
    ['no types', (d) => (d.snapshot.meta['node_types'] = []), /meta\.node_types .* a list/],
    ['no meta', (d) => (d.snapshot.meta = null as never), /meta\.node_fields/],
    ['no strings', (d) => delete (d as Partial<SnapshotDocument>).strings, /strings at offset \d+: is not in the file/],
    ['no nodes', (d) => delete (d as Partial<SnapshotDocument>).nodes, /nodes at offset \d+: is not in the file/],
    ['nodes that are text', (d) => (d.nodes = 'text' as never), /'\[' is expected/],
  ])('refuses %s and says where', (_what, change, message) => {
    const source = spoiled(change);
    expect(() => parseSnapshot(source)).toThrow(MalformedInputError);
    expect(() => parseSnapshot(source)).toThrow(message);
    expect(() => parseSnapshot(source)).toThrow(/^x\.heapsnapshot: /);
  });

  it('names the place of the very number that is wrong, wherever it is in its section', () => {
    const nodes = Array.from({ length: 20_000 }, () => ({ type: 'object', name: 'Object', size: 8 }));
    nodes[0] = { ...nodes[0]!, edges: nodes.map((_, to) => ({ type: 'element', name: to, to })) } as (typeof nodes)[0];
    const text = writeSnapshot({ nodes }).toString('latin1');
    const place = (section: string, index: number): number => {
      let at = text.indexOf(`"${section}":[`) + section.length + 4;
      for (let left = index; left > 0; left--) at = text.indexOf(',', at) + 1;
      return at;
    };
    for (const [section, index, field] of [
      ['nodes', 0, 'nodes.type'],
      ['nodes', 6 * 19_999, 'nodes.type'],
      ['nodes', 6 * 12_345, 'nodes.type'],
      ['edges', 0, 'edges.type'],
      ['edges', 3 * 19_999, 'edges.type'],
      ['edges', 3 * 15_000 + 2, 'edges.to_node'],
    ] as const) {
      const offset = place(section, index);
      const end = text.slice(offset).search(/[,\]]/) + offset;
      const spoilt = `${text.slice(0, offset)}99999999${text.slice(end)}`;
      let error: unknown;
      try {
        parseSnapshot(bufferSource('x', Buffer.from(spoilt, 'latin1')));
      } catch (thrown) {
        error = thrown;
      }
      expect(error, `${section} ${index}`).toMatchObject({ field, offset });
    }
  });

  it('takes white space and minus signs around numbers as JSON has them, and nothing else', () => {
    const parse = (numbers: string): number[] => {
      const read: number[] = [];
      const reader = new JsonReader(bufferSource('x', Buffer.from(numbers)));
      const block = new Float64Array(4);
      reader.readNumbers('numbers', block, (count) => read.push(...block.subarray(0, count)));
      return read;
    };
    expect(parse('[]')).toEqual([]);
    expect(parse('[ 1 ,\n-2,3\t,4,5 , 123456789,1234567890, 999999999999999 ]')).toEqual([1, -2, 3, 4, 5, 123456789, 1234567890, 999999999999999]);
    for (const wrong of ['[1,]', '[,1]', '[1 2]', '[- 1]', '[--1]', '[1-]', '[1.5]', '[1e3]', '[1000000000000000]', '["1"]', '[1', '[', '[1,', '[-', '[\u00001]', '[1\u0000]']) {
      expect(() => parse(wrong), wrong).toThrow(MalformedInputError);
    }
  });

  it('refuses nodes before their header, members twice and edge types that are not known', () => {
    const { snapshot, nodes } = snapshotDocument(SMALL_HEAP);
    expect(() => parseSnapshot(sourceOf({ nodes, snapshot }))).toThrow(/nodes at offset \d+: stands before the header/);
    expect(() => parseSnapshot(bufferSource('x', Buffer.from('{"a":1,"a":2}')))).toThrow(/a at offset \d+: is there twice/);
    expect(() => parseSnapshot(spoiled((d) => (d.snapshot.meta['edge_types'] = [['context', 'novel']])))).toThrow(UnsupportedError);
    expect(() => parseSnapshot(bufferSource('x', Buffer.from(`{"snapshot":"${'x'.repeat(2 ** 20)}"}`)))).toThrow(LimitError);
  });

  it('stops when it is told to', () => {
    expect(() => parseSnapshot(sourceOf(snapshotDocument(SMALL_HEAP)), { isCancelled: () => true })).toThrow(InterruptedError);
  });
});

describe('looksLikeSnapshot', () => {
  it.each([
    ['{"snapshot":{', true],
    ['\n { "snapshot" : {', true],
    ['{"nodes":[]', false],
    ['\x7fELF', false],
    ['{', false],
  ])('%j: %s', (text, is) => {
    expect(looksLikeSnapshot(bufferSource('x', Buffer.from(text)))).toBe(is);
  });
});

describe('previewNode', () => {
  const { graph, strings } = parseSnapshot(bufferSource('x', writeSnapshot(SMALL_HEAP)));
  const preview = (id: number, options = { strings: false, maxLength: 80 }): string => previewNode(graph, stringTable(strings), findNodeOfId(graph, id)!, options);

  it('shows what is in strings only when asked', () => {
    expect(preview(7)).toBe('Session {text: (string)}');
    expect(preview(7, { strings: true, maxLength: 80 })).toBe('Session {text: "a \\"text\\"\\n of é and \u{1f600}"}');
    expect(preview(9)).toBe('(string)');
    expect(preview(13)).toBe('function onData');
    expect(preview(7, { strings: false, maxLength: 12 })).toBe('Session {te…');
    expect(findNodeOfId(graph, 1000)).toBeUndefined();
  });
});
