/** Writes small `.heapsnapshot` files in the formats of Node 16 to 26. */

export interface DrawnEdge {
  readonly type: string;
  readonly name: string | number;
  /** Row of the target node. */
  readonly to: number;
}

export interface DrawnNode {
  readonly type: string;
  readonly name: string;
  readonly size: number;
  /** Twice the row and one more if not given, as V8 counts. */
  readonly id?: number;
  readonly edges?: readonly DrawnEdge[];
}

export interface DrawnSnapshot {
  readonly nodes: readonly DrawnNode[];
  /** Node, script id, line and column from 0. */
  readonly locations?: readonly (readonly [number, number, number, number])[];
}

const OLD_TYPES = ['hidden', 'array', 'string', 'object', 'code', 'closure', 'regexp', 'number', 'native', 'synthetic', 'concatenated string', 'sliced string', 'symbol', 'bigint'];
const EDGE_TYPES = ['context', 'element', 'property', 'internal', 'hidden', 'shortcut', 'weak'];

/** What differs between versions of Node: which fields a node has and which types there are. */
const FORMATS = {
  16: { fields: ['type', 'name', 'id', 'self_size', 'edge_count', 'trace_node_id', 'detachedness'], types: OLD_TYPES },
  20: { fields: ['type', 'name', 'id', 'self_size', 'edge_count', 'trace_node_id', 'detachedness'], types: [...OLD_TYPES, 'object shape', 'wasm object'] },
  26: { fields: ['type', 'name', 'id', 'self_size', 'edge_count', 'detachedness'], types: [...OLD_TYPES, 'object shape'] },
} as const;
export type SnapshotFormat = keyof typeof FORMATS;

/** The parts of the file, for tests that spoil one of them. */
export interface SnapshotDocument {
  snapshot: { meta: Record<string, unknown>; node_count: number; edge_count: number; trace_function_count: number };
  nodes: number[];
  edges: number[];
  trace_function_infos: number[];
  trace_tree: unknown[];
  samples: number[];
  locations: number[];
  strings: string[];
}

/** The file as an object. */
export function snapshotDocument({ nodes, locations = [] }: DrawnSnapshot, format: SnapshotFormat = 26): SnapshotDocument {
  const { fields, types } = FORMATS[format];
  const strings = ['<dummy>'];
  const rows = new Map<string, number>();
  const row = (text: string): number => {
    const known = rows.get(text);
    if (known !== undefined) return known;
    rows.set(text, strings.length);
    return strings.push(text) - 1;
  };
  const edges = nodes.flatMap((node) => node.edges ?? []);
  const typeOf = (list: readonly string[], type: string): number => {
    const at = list.indexOf(type);
    if (at < 0) throw new Error(`no such type: ${type}`);
    return at;
  };
  return {
    snapshot: {
      meta: {
        node_fields: fields,
        node_types: [types, 'string', ...fields.slice(2).map(() => 'number')],
        edge_fields: ['type', 'name_or_index', 'to_node'],
        edge_types: [EDGE_TYPES, 'string_or_number', 'node'],
        location_fields: ['object_index', 'script_id', 'line', 'column'],
      },
      node_count: nodes.length,
      edge_count: edges.length,
      trace_function_count: 0,
    },
    nodes: nodes.flatMap((node, at) => {
      const known = [typeOf(types, node.type), row(node.name), node.id ?? 2 * at + 1, node.size, node.edges?.length ?? 0];
      return [...known, ...fields.slice(known.length).map(() => 0)];
    }),
    edges: edges.flatMap(({ type, name, to }) => [typeOf(EDGE_TYPES, type), typeof name === 'number' ? name : row(name), to * fields.length]),
    trace_function_infos: [],
    trace_tree: [],
    samples: [],
    locations: locations.flatMap(([node, script, line, column]) => [node * fields.length, script, line, column]),
    strings,
  };
}

/** The file as V8 writes it, but for the line ends. */
export function writeSnapshot(drawn: DrawnSnapshot, format: SnapshotFormat = 26): Buffer {
  return Buffer.from(JSON.stringify(snapshotDocument(drawn, format)));
}

/** A heap with an object of a class of the application, a Map, a closure and what V8 files beside them. */
export const SMALL_HEAP: DrawnSnapshot = {
  nodes: [
    { type: 'synthetic', name: '', size: 0, edges: [{ type: 'shortcut', name: 'global', to: 1 }, { type: 'element', name: 1, to: 2 }] },
    { type: 'object', name: 'global', size: 24, edges: [{ type: 'property', name: 'kept', to: 3 }, { type: 'property', name: 'onData', to: 6 }] },
    { type: 'synthetic', name: '(GC roots)', size: 0, edges: [{ type: 'weak', name: '0', to: 3 }] },
    {
      type: 'object',
      name: 'Session',
      size: 40,
      edges: [{ type: 'property', name: 'text', to: 4 }, { type: 'internal', name: 'map', to: 5 }],
    },
    { type: 'string', name: 'a "text"\n of é and \u{1f600}', size: 32 },
    { type: 'hidden', name: 'system / Map', size: 72, edges: [{ type: 'internal', name: 'descriptors', to: 9 }] },
    { type: 'closure', name: 'onData', size: 56, edges: [{ type: 'internal', name: 'shared', to: 7 }] },
    { type: 'code', name: 'onData', size: 64, edges: [{ type: 'internal', name: 'script', to: 8 }] },
    { type: 'code', name: '/app/server.js', size: 100 },
    {
      type: 'hidden',
      name: 'system / DescriptorArray',
      size: 64,
      edges: [{ type: 'internal', name: '3', to: 11 }, { type: 'internal', name: '0', to: 10 }],
    },
    { type: 'string', name: 'id', size: 16 },
    { type: 'string', name: 'text', size: 16 },
    { type: 'native', name: 'system / JSArrayBufferData', size: 1000 },
  ],
  locations: [
    [6, 7, 9, 4],
    [3, 7, 1, 2],
  ],
};
