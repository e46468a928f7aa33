/**
 * A graph as a `.heapsnapshot` file, as V8 of Node 24 and 26 writes it (src/profiler/heap-snapshot-generator.cc, HeapSnapshotJSONSerializer). Written once from front to
 * back in pieces; what is held is a piece, the rows of the latest strings and as much of the string table as `StringLimits` allow.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Control } from '../graph/control.ts';
import { makeTicker } from '../graph/control.ts';
import type { HeapGraph, NodeIndex } from '../graph/heap-graph.ts';
import { EdgeKind, NodeKind } from '../graph/heap-graph.ts';
import type { ByteSink } from './json-writer.ts';
import { JsonWriter, maxStringBytes, putString } from './json-writer.ts';
import { NameRows, SnapshotNames } from './names.ts';
import type { StringLimits } from './string-rows.ts';
import { HeldStrings, STRING_LIMITS, StringRows } from './string-rows.ts';

/** Where a function was written: lines and columns from 1, as editors count. */
interface Place {
  readonly script: string;
  readonly line: number;
  readonly column: number;
}

/** What is written besides the columns. */
export interface WriteOptions {
  /** Writes what is in strings, and numbers and patterns where the graph has them; without it, only how long a string is. */
  readonly strings: boolean;
  /** Places as `parseSnapshot` gives them, for the file's locations. */
  readonly places?: Int32Array | undefined;
  /** The place of a closure, where there are no `places`. Scripts get numbers in the order in which they come. */
  readonly placeOf?: ((node: NodeIndex) => Place | undefined) | undefined;
  readonly control?: Control | undefined;
  readonly limits?: StringLimits | undefined;
}

/** What has been written. */
export interface WrittenSnapshot {
  readonly nodes: number;
  readonly edges: number;
  readonly strings: number;
  /** Size of the file in bytes. */
  readonly bytes: number;
}

/** Node types in the order of `NodeKind`, whose first fifteen are V8's. */
const NODE_TYPES = [
  ...['hidden', 'array', 'string', 'object', 'code', 'closure', 'regexp', 'number', 'native', 'synthetic'],
  ...['concatenated string', 'sliced string', 'symbol', 'bigint', 'object shape'],
];
/** Edge types in the order of `EdgeKind`. */
const EDGE_TYPES = ['context', 'element', 'property', 'internal', 'hidden', 'shortcut', 'weak'];
const PLACE_WIDTH = 4;
const NODE_FIELDS = ['type', 'name', 'id', 'self_size', 'edge_count', 'detachedness'];
const META = {
  node_fields: NODE_FIELDS,
  node_types: [NODE_TYPES, 'string', 'number', 'number', 'number', 'number'],
  edge_fields: ['type', 'name_or_index', 'to_node'],
  edge_types: [EDGE_TYPES, 'string_or_number', 'node'],
  trace_function_info_fields: ['function_id', 'name', 'script_name', 'script_id', 'line', 'column'],
  trace_node_fields: ['id', 'function_info_index', 'count', 'size', 'children'],
  sample_fields: ['timestamp_us', 'last_assigned_id'],
  location_fields: ['object_index', 'script_id', 'line', 'column'],
};

/** Names that are looked up between two turns of the event loop, less one. */
const TURN_MASK = 0xffff;
const COMMA = 0x2c;

/** V8 has no kind of its own for memory outside of its heap. */
function typeOfNode(kind: number): number {
  return kind === NodeKind.External ? NodeKind.Native : kind;
}

function typeOfEdge(kind: number): number {
  return kind === EdgeKind.Ephemeron || kind === EdgeKind.EphemeronTable ? EdgeKind.Internal : kind;
}

/** V8 gives objects odd ids. Addresses do not fit into its 32 bits, so nodes that are known by them are numbered. */
function idsOf({ keyKind, nodeKey }: HeapGraph): (node: NodeIndex) => number {
  return keyKind === 'snapshot-id' ? (node) => nodeKey[node]! : (node) => node * 2 + 1;
}

/** Shares of the work, as measured on a large heap. */
const NAMES_DONE = 0.1;
const NODES_DONE = 0.3;
const EDGES_DONE = 0.9;

class SnapshotWriter {
  readonly #graph: HeapGraph;
  readonly #options: WriteOptions;
  readonly #names: SnapshotNames;
  readonly #idOf: (node: NodeIndex) => number;
  readonly #limits: StringLimits;
  readonly #out: JsonWriter;
  readonly #tick: (share: number) => void;

  constructor(names: SnapshotNames, idOf: (node: NodeIndex) => number, sink: ByteSink, options: WriteOptions, tick: (share: number) => void) {
    this.#names = names;
    this.#graph = names.graph;
    this.#idOf = idOf;
    this.#options = options;
    this.#tick = tick;
    this.#limits = options.limits ?? STRING_LIMITS;
    this.#out = new JsonWriter(sink);
  }

  async write(): Promise<WrittenSnapshot> {
    const { nodeCount, edgeCount } = this.#graph;
    const held = new HeldStrings(this.#limits.maxHeldBytes);
    const strings = new StringRows(this.#limits, (row, text) => held.add(row, text));
    const rows = new NameRows(this.#names, strings);
    const out = this.#out;
    const header = { meta: META, node_count: nodeCount, edge_count: edgeCount, trace_function_count: 0, extra_native_bytes: 0 };
    await out.write(`{"snapshot":${JSON.stringify(header)},\n"nodes":[`);
    await this.#writeNodes(rows);
    await out.write('],\n"edges":[');
    await this.#writeEdges(rows);
    await out.write('],\n"trace_function_infos":[],\n"trace_tree":[],\n"samples":[],\n"locations":[');
    await this.#writeLocations();
    await out.write('],\n"strings":[');
    for (const chunk of held.finish()) {
      this.#tick(EDGES_DONE);
      await out.writeBytes(chunk);
    }
    if (held.length < strings.length) await this.#writeMoreStrings(held.length);
    await out.write(']}');
    await out.flush();
    this.#tick(1);
    return { nodes: nodeCount, edges: edgeCount, strings: strings.length, bytes: out.length };
  }

  async #writeNodes(rows: NameRows): Promise<void> {
    const { nodeCount, nodeKind, nodeShallowSize, firstEdge } = this.#graph;
    const out = this.#out;
    for (let node = 0; node < nodeCount;) {
      this.#tick(NAMES_DONE + ((NODES_DONE - NAMES_DONE) * node) / nodeCount);
      for (; node < nodeCount && !out.isFull; node++) {
        out.putNumber(typeOfNode(nodeKind[node]!), node === 0);
        out.putNumber(rows.ofNode(node), false);
        out.putNumber(this.#idOf(node), false);
        out.putNumber(nodeShallowSize[node]!, false);
        out.putNumber(firstEdge[node + 1]! - firstEdge[node]!, false);
        out.putNumber(0, false);
      }
      await out.flush();
    }
  }

  async #writeEdges(rows: NameRows): Promise<void> {
    const { edgeCount, edgeKind, edgeTo } = this.#graph;
    const out = this.#out;
    const width = NODE_FIELDS.length;
    for (let edge = 0; edge < edgeCount;) {
      this.#tick(NODES_DONE + ((EDGES_DONE - NODES_DONE) * edge) / edgeCount);
      for (; edge < edgeCount && !out.isFull; edge++) {
        out.putNumber(typeOfEdge(edgeKind[edge]!), edge === 0);
        out.putNumber(rows.ofEdge(edge), false);
        out.putNumber(edgeTo[edge]! * width, false);
      }
      await out.flush();
    }
  }

  async #writeLocations(): Promise<void> {
    const { places, placeOf } = this.#options;
    if (places !== undefined) return this.#writePlaces(places);
    if (placeOf === undefined) return;
    const { nodeCount, nodeKind } = this.#graph;
    const out = this.#out;
    const scripts = new Map<string, number>();
    let isFirst = true;
    for (let node = 0; node < nodeCount; node++) {
      if (nodeKind[node] !== NodeKind.Closure) continue;
      const place = placeOf(node);
      if (place === undefined) continue;
      let script = scripts.get(place.script);
      if (script === undefined) scripts.set(place.script, (script = scripts.size + 1));
      out.putNumber(node * NODE_FIELDS.length, isFirst);
      out.putNumber(script, false);
      out.putNumber(Math.max(0, place.line - 1), false);
      out.putNumber(Math.max(0, place.column - 1), false);
      isFirst = false;
      if (!out.isFull) continue;
      this.#tick(EDGES_DONE);
      await out.flush();
    }
  }

  async #writePlaces(places: Int32Array): Promise<void> {
    const out = this.#out;
    for (let at = 0; at + PLACE_WIDTH <= places.length; at += PLACE_WIDTH) {
      out.putNumber(places[at]! * NODE_FIELDS.length, at === 0);
      for (let field = 1; field < PLACE_WIDTH; field++) out.putNumber(Math.max(0, places[at + field]!), false);
      if (!out.isFull) continue;
      this.#tick(EDGES_DONE);
      await out.flush();
    }
  }

  /** Goes through all names again, in the same order and so with the same rows, for those that were not held. */
  async #writeMoreStrings(from: number): Promise<void> {
    const { nodeCount, edgeCount } = this.#graph;
    const out = this.#out;
    let chunks: Uint8Array[] = [];
    const strings = new StringRows(this.#limits, (row, text) => {
      if (row < from) return;
      const bytes = new Uint8Array(maxStringBytes(text.length) + 1);
      if (row > 0) bytes[0] = COMMA;
      chunks.push(bytes.subarray(0, putString(bytes, row > 0 ? 1 : 0, text)));
    });
    const rows = new NameRows(this.#names, strings);
    const pass = async (count: number, lookUp: (at: number) => void): Promise<void> => {
      for (let at = 0; at < count; at++) {
        lookUp(at);
        if ((at & TURN_MASK) === TURN_MASK) {
          this.#tick(EDGES_DONE);
          await breathe();
        }
        if (chunks.length === 0) continue;
        for (const chunk of chunks) await out.writeBytes(chunk);
        chunks = [];
      }
    };
    await pass(nodeCount, (node) => rows.ofNode(node));
    await pass(edgeCount, (edge) => rows.ofEdge(edge));
  }
}

/**
 * Writes a graph as a heap snapshot. Reading it back gives the same nodes, edges, sizes and, for a graph that was read from a snapshot, ids; memory outside of the heap
 * (`External`) comes back as `Native`. Nodes of a core get the ids 1, 3, 5, … in their order, since addresses do not fit.
 *
 * Without `strings`, strings are written as `(string of 12 characters)`, patterns, numbers and the like without their value; names of properties, classes, variables,
 * functions and scripts stay, and so do strings that are such a property's name.
 * @param sink awaited before the next piece is made; what it throws ends the writing
 * @throws {InterruptedError} when `control` says so, asked every few milliseconds
 */
export async function writeSnapshot(graph: HeapGraph, sink: ByteSink, options: WriteOptions): Promise<WrittenSnapshot> {
  const tick = makeTicker(options.control);
  tick(0);
  const idOf = idsOf(graph);
  const names = await SnapshotNames.of(graph, { strings: options.strings, idOf }, () => tick(0));
  return new SnapshotWriter(names, idOf, sink, options, tick).write();
}
