/** The first member of a snapshot file: how many nodes and edges there are, and where each field of a record stands. Formats of Node 16 to 26 differ here and nowhere else. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { MalformedInputError, UnsupportedError } from '../errors.ts';
import { EdgeKind, NodeKind } from '../graph/heap-graph.ts';
import type { JsonReader } from './json-reader.ts';

/** What a record is and where its fields stand. */
export interface SnapshotHeader {
  readonly nodeCount: number;
  readonly edgeCount: number;
  readonly node: { readonly width: number; readonly type: number; readonly name: number; readonly id: number; readonly selfSize: number; readonly edgeCount: number };
  readonly edge: { readonly width: number; readonly type: number; readonly name: number; readonly to: number };
  /** Undefined where the format has no locations. */
  readonly location: { readonly width: number; readonly node: number; readonly script: number; readonly line: number; readonly column: number } | undefined;
  /** `NodeKind` of each node type of the file. */
  readonly nodeKinds: readonly NodeKind[];
  /** `EdgeKind` of each edge type of the file. */
  readonly edgeKinds: readonly EdgeKind[];
}

const NODE_KINDS: ReadonlyMap<string, NodeKind> = new Map([
  ['hidden', NodeKind.Hidden],
  ['array', NodeKind.Array],
  ['string', NodeKind.String],
  ['object', NodeKind.Object],
  ['code', NodeKind.Code],
  ['closure', NodeKind.Closure],
  ['regexp', NodeKind.RegExp],
  ['number', NodeKind.Number],
  ['native', NodeKind.Native],
  ['synthetic', NodeKind.Synthetic],
  ['concatenated string', NodeKind.ConsString],
  ['sliced string', NodeKind.SlicedString],
  ['symbol', NodeKind.Symbol],
  ['bigint', NodeKind.BigInt],
  ['object shape', NodeKind.ObjectShape],
]);

const EDGE_KINDS: ReadonlyMap<string, EdgeKind> = new Map([
  ['context', EdgeKind.Context],
  ['element', EdgeKind.Element],
  ['property', EdgeKind.Property],
  ['internal', EdgeKind.Internal],
  ['hidden', EdgeKind.Hidden],
  ['shortcut', EdgeKind.Shortcut],
  ['weak', EdgeKind.Weak],
]);

const MAX_HEADER_BYTES = 2 ** 20;
const MAX_FIELDS = 64;
/** A number and the comma or bracket behind it. */
const MIN_NUMBER_BYTES = 2;

const START_BYTES = 256;

/** Whether a file starts as a snapshot does: an object whose first key is `snapshot`. */
export function looksLikeSnapshot(source: ByteSource): boolean {
  const start = Buffer.alloc(Math.min(START_BYTES, source.size));
  const length = source.readInto(start, 0);
  return /^\s*\{\s*"snapshot"/.test(start.toString('latin1', 0, length));
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MAX_FIELDS && value.every((each) => typeof each === 'string');
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** Reads the header, which the reader stands before, and checks its counts against the size of the file. */
export function readHeader(reader: JsonReader, source: ByteSource): SnapshotHeader {
  const { offset } = reader;
  const malformed = (field: string, detail: string): MalformedInputError => new MalformedInputError(source.name, offset, field, detail);
  const header = reader.readSmall('snapshot', MAX_HEADER_BYTES);
  const meta = memberOf(header, 'meta');

  const fieldsOf = (name: string): string[] => {
    const fields = memberOf(meta, name);
    if (!isStrings(fields) || fields.length === 0) throw malformed(`meta.${name}`, 'a list of field names is expected');
    return fields;
  };
  const placesOf = <K extends string>(list: string, wanted: Readonly<Record<K, string>>): Record<K | 'width', number> => {
    const fields = fieldsOf(list);
    const places: Record<string, number> = { width: fields.length };
    for (const [key, field] of Object.entries<string>(wanted)) {
      const place = fields.indexOf(field);
      if (place < 0) throw malformed(`meta.${list}`, `there is no field ${field}`);
      places[key] = place;
    }
    return places;
  };
  const typesOf = (list: string): string[] => {
    const types = memberOf(meta, list);
    const names: unknown = Array.isArray(types) ? types[0] : undefined;
    if (!isStrings(names)) throw malformed(`meta.${list}`, 'a list of type names is expected');
    return names;
  };
  const countOf = (key: string, width: number): number => {
    const count = memberOf(header, key);
    if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) throw malformed(key, 'a count is expected');
    if (count * width * MIN_NUMBER_BYTES > source.size) throw malformed(key, `${count} records do not fit into a file of ${source.size} bytes`);
    return count;
  };

  const node = placesOf('node_fields', { type: 'type', name: 'name', id: 'id', selfSize: 'self_size', edgeCount: 'edge_count' });
  const edge = placesOf('edge_fields', { type: 'type', name: 'name_or_index', to: 'to_node' });
  const hasLocations = memberOf(meta, 'location_fields') !== undefined;
  const location = hasLocations ? placesOf('location_fields', { node: 'object_index', script: 'script_id', line: 'line', column: 'column' }) : undefined;
  const edgeKinds = typesOf('edge_types').map((name) => {
    const kind = EDGE_KINDS.get(name);
    if (kind === undefined) throw new UnsupportedError(`${source.name}: edges of type '${name.slice(0, 40)}' are not known`);
    return kind;
  });
  const nodeCount = countOf('node_count', node.width);
  if (nodeCount === 0) throw malformed('node_count', 'there is no root');
  // A type that later versions add is an object of V8's own.
  const nodeKinds = typesOf('node_types').map((name) => NODE_KINDS.get(name) ?? NodeKind.Hidden);
  return { nodeCount, edgeCount: countOf('edge_count', edge.width), node, edge, location, nodeKinds, edgeKinds };
}
