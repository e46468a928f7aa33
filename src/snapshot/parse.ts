/**
 * A `.heapsnapshot` file as a graph (V8, src/profiler/heap-snapshot-generator.cc, HeapSnapshotJSONSerializer). Read once from front to back in pieces: numbers go straight
 * into columns, strings stay bytes. Files of any size; nothing is allocated that the size of the file does not bear out.
 */
import type { ByteSource } from '../bytes/byte-source.ts';
import { Int32Column } from '../bytes/columns.ts';
import { MalformedInputError } from '../errors.ts';
import type { Control } from '../graph/control.ts';
import { makeTicker } from '../graph/control.ts';
import type { NamedColumns, NodeIndex, StringTable } from '../graph/heap-graph.ts';
import { EdgeKind, isNumbered, NO_SHAPE } from '../graph/heap-graph.ts';
import { sharedFloat64, sharedInt32, sharedUint32, sharedUint8 } from '../graph/shared.ts';
import type { SnapshotHeader } from './header.ts';
import { readHeader } from './header.ts';
import { JsonReader } from './json-reader.ts';
import type { StringColumns } from './strings.ts';
import { StringCollector, stringTable } from './strings.ts';

/** What a snapshot holds, as columns that can be sent to another thread. */
export interface SnapshotColumns {
  readonly graph: NamedColumns;
  readonly strings: StringColumns;
  /** Four numbers a place: node, script id, line and column, both counted from 0. Closures have one, and objects that of their constructor. */
  readonly places: Int32Array;
}

const MAX_INT32 = 2 ** 31 - 1;

/** The largest row of the string table that a section names, and where. */
interface LargestName {
  row: number;
  offset: number;
}

type Columns = { -readonly [K in keyof NamedColumns]: NamedColumns[K] };

function makeColumns({ nodeCount, edgeCount }: SnapshotHeader): Columns {
  return {
    nodeCount,
    edgeCount,
    nodeKind: sharedUint8(nodeCount),
    nodeName: sharedInt32(nodeCount),
    nodeShape: sharedInt32(nodeCount).fill(NO_SHAPE),
    nodeShallowSize: sharedFloat64(nodeCount),
    nodeKey: sharedFloat64(nodeCount),
    keyKind: 'snapshot-id',
    firstEdge: sharedUint32(nodeCount + 1),
    edgeTo: sharedInt32(edgeCount),
    edgeKind: sharedUint8(edgeCount),
    edgeName: sharedInt32(edgeCount),
  };
}

function readNodes(reader: JsonReader, header: SnapshotHeader, columns: Columns, largest: LargestName): void {
  const { nodeCount, edgeCount, nodeKinds } = header;
  const { width, type, name, id, selfSize, edgeCount: edges } = header.node;
  const { nodeKind, nodeName, nodeShallowSize, nodeKey, firstEdge } = columns;
  const record = new Float64Array(width);
  let total = 0;
  const count = reader.readRecords('nodes', record, (index) => {
    if (index >= nodeCount) throw reader.malformed('nodes', `there are more than the ${nodeCount} of node_count`);
    const kind = nodeKinds[record[type]!];
    if (kind === undefined) throw reader.malformed('nodes.type', `${record[type]!} is none of ${nodeKinds.length} types`);
    const row = record[name]!;
    if (row < 0 || row > MAX_INT32) throw reader.malformed('nodes.name', `${row} is no row of the strings`);
    if (row > largest.row) {
      largest.row = row;
      largest.offset = reader.offset;
    }
    const own = record[edges]!;
    if (own < 0 || own > edgeCount - total) throw reader.malformed('nodes.edge_count', `${total + own} edges are more than the ${edgeCount} of the header`);
    total += own;
    if (record[selfSize]! < 0) throw reader.malformed('nodes.self_size', `${record[selfSize]!} is no size`);
    if (record[id]! < 0) throw reader.malformed('nodes.id', `${record[id]!} is no id`);
    nodeKind[index] = kind;
    nodeName[index] = row;
    nodeShallowSize[index] = record[selfSize]!;
    nodeKey[index] = record[id]!;
    firstEdge[index + 1] = total;
  });
  if (count !== nodeCount) throw reader.malformed('nodes', `${count} are fewer than the ${nodeCount} of node_count`);
  if (total !== edgeCount) throw reader.malformed('nodes.edge_count', `${total} edges are fewer than the ${edgeCount} of the header`);
}

function readEdges(reader: JsonReader, header: SnapshotHeader, columns: Columns, largest: LargestName): void {
  const { nodeCount, edgeCount, edgeKinds, node } = header;
  const { width, type, name, to } = header.edge;
  const { edgeTo, edgeKind, edgeName } = columns;
  const record = new Float64Array(width);
  const count = reader.readRecords('edges', record, (index) => {
    if (index >= edgeCount) throw reader.malformed('edges', `there are more than the ${edgeCount} of edge_count`);
    const kind = edgeKinds[record[type]!];
    if (kind === undefined) throw reader.malformed('edges.type', `${record[type]!} is none of ${edgeKinds.length} types`);
    const target = record[to]! / node.width;
    if (!(target >= 0 && target < nodeCount && Number.isInteger(target)))
      throw reader.malformed('edges.to_node', `${record[to]!} is no node of ${nodeCount} with ${node.width} fields each`);
    const row = record[name]!;
    if (row < 0) throw reader.malformed('edges.name_or_index', `${row} is no row of the strings and no index`);
    if (!isNumbered(kind)) {
      if (row > MAX_INT32) throw reader.malformed('edges.name_or_index', `${row} is no row of the strings`);
      if (row > largest.row) {
        largest.row = row;
        largest.offset = reader.offset;
      }
    }
    edgeTo[index] = target;
    edgeKind[index] = kind;
    // Elements of sparse arrays may have larger indexes than the column holds.
    edgeName[index] = Math.min(row, MAX_INT32);
  });
  if (count !== edgeCount) throw reader.malformed('edges', `${count} are fewer than the ${edgeCount} of edge_count`);
}

function readPlaces(reader: JsonReader, header: SnapshotHeader): Int32Array {
  const places = new Int32Column();
  const fields = header.location;
  if (fields === undefined) {
    reader.skip('locations');
    return places.finish();
  }
  const record = new Float64Array(fields.width);
  reader.readRecords('locations', record, () => {
    const node = record[fields.node]! / header.node.width;
    if (!(node >= 0 && node < header.nodeCount && Number.isInteger(node))) throw reader.malformed('locations.object_index', `${record[fields.node]!} is no node`);
    places.push(node);
    places.push(record[fields.script]!);
    places.push(record[fields.line]!);
    places.push(record[fields.column]!);
  });
  return places.finish();
}

/** The table's id in the name that V8 gives to both edges of a WeakMap's entry. */
const PAIR = /^\d+ \/ part of key \(.*? @\d+\) -> value \(.*? @\d+\) pair in WeakMap \(table @(\d+)\)$/s;
/** Names of pairs are never shorter. */
const MIN_PAIR_BYTES = 60;
const ZERO = 0x30;
const NINE = 0x39;
const CLOSE_PARENTHESIS = 0x29;

/** Finds the edges of WeakMap entries: V8 writes them as internal edges and tells the two kinds by their names alone. */
function markEphemerons(columns: Columns, { bytes, offsets }: StringColumns, strings: StringTable): void {
  const tables = new Map<number, number>();
  for (let row = 0; row < strings.length; row++) {
    const start = offsets[row]! >>> 0;
    const end = offsets[row + 1]! >>> 0;
    if (end - start < MIN_PAIR_BYTES || bytes[end - 1] !== CLOSE_PARENTHESIS || bytes[start]! < ZERO || bytes[start]! > NINE) continue;
    const table = PAIR.exec(strings.at(row))?.[1];
    if (table !== undefined) tables.set(row, Number(table));
  }
  if (tables.size === 0) return;
  const { nodeCount, nodeKey, firstEdge, edgeKind, edgeName } = columns;
  for (let node = 0; node < nodeCount; node++) {
    for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) {
      if (edgeKind[edge] !== EdgeKind.Internal) continue;
      const table = tables.get(edgeName[edge]!);
      if (table !== undefined) edgeKind[edge] = table === nodeKey[node] ? EdgeKind.EphemeronTable : EdgeKind.Ephemeron;
    }
  }
}

/**
 * Reads a snapshot. The columns keep to all that `verifyGraph` asks for, but that nodes may be there which the root does not reach.
 *
 * Takes 33 bytes a node, 9 an edge, 16 a location and the bytes of the strings.
 * @throws {MalformedInputError} where the file is cut off, contradicts itself or is no snapshot
 * @throws {UnsupportedError} for edge types that are not known
 * @throws {LimitError} for more than 4 GiB of strings
 * @throws {InterruptedError} when `control` says so
 */
export function parseSnapshot(source: ByteSource, control?: Control): SnapshotColumns {
  const reader = new JsonReader(source, makeTicker(control));
  const seen = new Set<string>();
  const largest: LargestName = { row: -1, offset: 0 };
  let header: SnapshotHeader | undefined;
  let columns: Columns | undefined;
  let strings: StringColumns | undefined;
  let places: Int32Array = new Int32Array(0);
  reader.readObject('snapshot file', (key) => {
    if (seen.has(key)) throw reader.malformed(key.slice(0, 40), 'is there twice');
    if (seen.size < 100) seen.add(key);
    if (key === 'snapshot') {
      header = readHeader(reader, source);
      columns = makeColumns(header);
    } else if (key === 'strings') {
      const collector = new StringCollector(source.name, source.size - reader.offset);
      reader.readStrings(key, collector);
      strings = collector.finish();
    } else if (key === 'nodes' || key === 'edges' || key === 'locations') {
      if (header === undefined || columns === undefined) throw reader.malformed(key, 'stands before the header');
      if (key === 'nodes') readNodes(reader, header, columns, largest);
      else if (key === 'edges') readEdges(reader, header, columns, largest);
      else places = readPlaces(reader, header);
    } else reader.skip(key.slice(0, 40));
  });
  if (columns === undefined || strings === undefined || !seen.has('nodes') || !seen.has('edges'))
    throw reader.malformed(['snapshot', 'nodes', 'edges', 'strings'].find((key) => !seen.has(key)) ?? 'strings', 'is not in the file');
  const table = stringTable(strings);
  if (largest.row >= table.length) throw new MalformedInputError(source.name, largest.offset, 'name', `${largest.row} is none of ${table.length} strings`);
  markEphemerons(columns, strings, table);
  return { graph: columns, strings, places };
}

/** The node that a snapshot id belongs to, looked for one after another; `undefined` when there is none. */
export function findNodeOfId({ nodeKey }: NamedColumns, id: number): NodeIndex | undefined {
  const node = nodeKey.indexOf(id);
  return node < 0 ? undefined : node;
}
