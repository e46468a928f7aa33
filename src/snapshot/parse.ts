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
import { EdgeKind, NO_SHAPE } from '../graph/heap-graph.ts';
import { sharedFloat64, sharedInt32, sharedUint32, sharedUint8 } from '../graph/shared.ts';
import type { SnapshotHeader } from './header.ts';
import { readHeader } from './header.ts';
import { JsonReader } from './json-reader.ts';
import { PAIR } from './pairs.ts';
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
  /** Where the block of numbers starts that names it, and which of its numbers does. */
  block: number;
  at: number;
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

/** Numbers of a section are read in blocks of about so many. */
const BLOCK_NUMBERS = 3 * 2 ** 13;
/** Stands for "no such type" in a table of kinds. */
const NO_KIND = 255;

/**
 * Reads a section of records of `width` numbers, `expected` of them in all. `onRecords` finds them in `block`, from the first number of the first record on, the first
 * being row `row` of the section.
 */
function readRecords(reader: JsonReader, field: string, width: number, expected: number | undefined, onRecords: (block: Float64Array, row: number, count: number) => void): void {
  const block = new Float64Array(width * Math.ceil(BLOCK_NUMBERS / width));
  let rows = 0;
  const numbers = reader.readNumbers(field, block, (filled) => {
    const count = Math.floor(filled / width);
    if (expected !== undefined && rows + Math.ceil(filled / width) > expected)
      throw reader.malformed(field, `there are more than the ${expected} of the header`, reader.offset - reader.offsetOfNumber(reader.blockStart, (expected - rows) * width));
    if (count * width !== filled) throw reader.malformed(field, `the last record has ${filled - count * width} of ${width} numbers`);
    onRecords(block, rows, count);
    rows += count;
  });
  if (expected !== undefined && numbers !== expected * width) throw reader.malformed(field, `${rows} are fewer than the ${expected} of the header`);
}

/** The error for a number of the block at hand. */
function wrongNumber(reader: JsonReader, at: number, field: string, detail: string): MalformedInputError {
  return reader.malformed(field, detail, reader.offset - reader.offsetOfNumber(reader.blockStart, at));
}

function kindTable(kinds: readonly number[]): Uint8Array {
  const table = new Uint8Array(kinds.length + 1).fill(NO_KIND);
  table.set(kinds);
  return table;
}

function readNodes(reader: JsonReader, header: SnapshotHeader, columns: Columns, largest: LargestName): void {
  const { nodeCount, edgeCount } = header;
  const { width, type, name, id, selfSize, edgeCount: edges } = header.node;
  const { nodeKind, nodeName, nodeShallowSize, nodeKey, firstEdge } = columns;
  const kinds = kindTable(header.nodeKinds);
  const none = header.nodeKinds.length;
  let total = 0;
  const fail = (at: number, field: string, detail: string): never => {
    throw wrongNumber(reader, at, field, detail);
  };
  readRecords(reader, 'nodes', width, nodeCount, (block, row, count) => {
    for (let i = 0, at = 0; i < count; i++, at += width) {
      const typeNumber = block[at + type]!;
      const kind = typeNumber >= 0 && typeNumber < none ? kinds[typeNumber]! : NO_KIND;
      if (kind === NO_KIND) fail(at + type, 'nodes.type', `${typeNumber} is none of ${none} types`);
      const string = block[at + name]!;
      if (!(string >= 0 && string <= MAX_INT32)) fail(at + name, 'nodes.name', `${string} is no row of the strings`);
      if (string > largest.row) {
        largest.row = string;
        largest.block = reader.blockStart;
        largest.at = at + name;
      }
      const own = block[at + edges]!;
      if (!(own >= 0 && own <= edgeCount - total)) fail(at + edges, 'nodes.edge_count', `${total + own} edges are more than the ${edgeCount} of the header`);
      total += own;
      const size = block[at + selfSize]!;
      if (size < 0) fail(at + selfSize, 'nodes.self_size', `${size} is no size`);
      const key = block[at + id]!;
      if (key < 0) fail(at + id, 'nodes.id', `${key} is no id`);
      const node = row + i;
      nodeKind[node] = kind;
      nodeName[node] = string;
      nodeShallowSize[node] = size;
      nodeKey[node] = key;
      firstEdge[node + 1] = total;
    }
  });
  if (total !== edgeCount) throw reader.malformed('nodes.edge_count', `${total} edges are fewer than the ${edgeCount} of the header`);
}

function readEdges(reader: JsonReader, header: SnapshotHeader, columns: Columns, largest: LargestName): void {
  const { nodeCount, edgeCount, node } = header;
  const { width, type, name, to } = header.edge;
  const { edgeTo, edgeKind, edgeName } = columns;
  const kinds = kindTable(header.edgeKinds);
  const none = header.edgeKinds.length;
  const fail = (at: number, field: string, detail: string): never => {
    throw wrongNumber(reader, at, field, detail);
  };
  readRecords(reader, 'edges', width, edgeCount, (block, row, count) => {
    for (let i = 0, at = 0; i < count; i++, at += width) {
      const typeNumber = block[at + type]!;
      const kind = typeNumber >= 0 && typeNumber < none ? kinds[typeNumber]! : NO_KIND;
      if (kind === NO_KIND) fail(at + type, 'edges.type', `${typeNumber} is none of ${none} types`);
      const place = block[at + to]!;
      const target = (place / node.width) | 0;
      if (!(target >= 0 && target < nodeCount && target * node.width === place))
        fail(at + to, 'edges.to_node', `${place} is no node of ${nodeCount} with ${node.width} fields each`);
      const string = block[at + name]!;
      if (string < 0) fail(at + name, 'edges.name_or_index', `${string} is no row of the strings and no index`);
      if (kind !== EdgeKind.Element && kind !== EdgeKind.Hidden) {
        if (string > MAX_INT32) fail(at + name, 'edges.name_or_index', `${string} is no row of the strings`);
        if (string > largest.row) {
          largest.row = string;
          largest.block = reader.blockStart;
        largest.at = at + name;
        }
      }
      edgeTo[row + i] = target;
      edgeKind[row + i] = kind;
      // Elements of sparse arrays may have larger indexes than the column holds.
      edgeName[row + i] = string > MAX_INT32 ? MAX_INT32 : string;
    }
  });
}

function readPlaces(reader: JsonReader, header: SnapshotHeader): Int32Array {
  const places = new Int32Column();
  const fields = header.location;
  if (fields === undefined) {
    reader.skip('locations');
    return places.finish();
  }
  readRecords(reader, 'locations', fields.width, undefined, (block, _row, count) => {
    for (let i = 0, at = 0; i < count; i++, at += fields.width) {
      const place = block[at + fields.node]!;
      const node = (place / header.node.width) | 0;
      if (!(node >= 0 && node < header.nodeCount && node * header.node.width === place))
        throw wrongNumber(reader, at + fields.node, 'locations.object_index', `${place} is no node`);
      places.push(node);
      places.push(block[at + fields.script]!);
      places.push(block[at + fields.line]!);
      places.push(block[at + fields.column]!);
    }
  });
  return places.finish();
}

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
  const largest: LargestName = { row: -1, block: 0, at: 0 };
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
  if (largest.row >= table.length) throw new MalformedInputError(source.name, reader.offsetOfNumber(largest.block, largest.at), 'name', `${largest.row} is none of ${table.length} strings`);
  markEphemerons(columns, strings, table);
  return { graph: columns, strings, places };
}

/** The node that a snapshot id belongs to, looked for one after another; `undefined` when there is none. */
export function findNodeOfId({ nodeKey }: NamedColumns, id: number): NodeIndex | undefined {
  const node = nodeKey.indexOf(id);
  return node < 0 ? undefined : node;
}
