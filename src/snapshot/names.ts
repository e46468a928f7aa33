/** What the nodes and edges of a graph are called in a file that is written: V8's names, with or without what is in strings. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { EdgeIndex, HeapGraph, NamedColumns, NodeIndex } from '../graph/heap-graph.ts';
import { EdgeKind, isNumbered, NodeKind } from '../graph/heap-graph.ts';
import { PAIR, PairNames } from './pairs.ts';
import type { StringRows } from './string-rows.ts';
import { cutName, MAX_NAME_LENGTH } from './string-rows.ts';

/** What stands for values whose contents stay here; V8's own names where it has some. */
const PLAIN_NAMES: ReadonlyMap<NodeKind, string> = new Map([
  [NodeKind.ConsString, '(concatenated string)'],
  [NodeKind.SlicedString, '(sliced string)'],
  [NodeKind.RegExp, '(regexp)'],
  [NodeKind.Number, 'heap number'],
  [NodeKind.BigInt, 'bigint'],
]);

/** `(string of 12 characters)`. Names are cut, so of the longest ones no more is known. */
function lengthOnly(text: string): string {
  return text.length >= MAX_NAME_LENGTH ? `(string of ${MAX_NAME_LENGTH} or more characters)` : `(string of ${text.length} characters)`;
}

/** An entry of a Map may be called by its key, as `["k42"]`, which is no property's name but contents; then it is called as an entry whose key is not known. */
const KEY_START = '[';
const ENTRY_VALUE = 'value';

/** A descriptor of a hidden class is a name, details and a value (V8, src/objects/descriptor-array.h). */
const DESCRIPTOR_SLOTS = 3;

/** The number of a slot that is called by one; names of internal edges are text. */
function slotNumber(name: string | number): number | undefined {
  if (typeof name === 'number') return name;
  return /^\d{1,10}$/.test(name) ? Number(name) : undefined;
}

/** A set of rows. */
class RowSet {
  readonly #words: Uint32Array;

  constructor(length: number) {
    this.#words = new Uint32Array((length + 31) >>> 5);
  }

  add(row: number): void {
    this.#words[row >>> 5]! |= 1 << (row & 31);
  }

  has(row: number): boolean {
    return (this.#words[row >>> 5]! & (1 << (row & 31))) !== 0;
  }
}

/** The graph's columns of names, where names are rows of its string table and so need not be made to be compared. */
function columnsOf(graph: HeapGraph): NamedColumns | undefined {
  return graph.keyKind === 'snapshot-id' && 'edgeName' in graph ? (graph as HeapGraph & NamedColumns) : undefined;
}

/** What is to be left out, and what ids are written. */
export interface NameOptions {
  /** Whether what is in strings is written. */
  readonly strings: boolean;
  readonly idOf: (node: NodeIndex) => number;
}

/** Nodes and edges between two turns of the event loop. */
const TURN = 2 ** 19;

/** The same for all passes over one graph. */
export class SnapshotNames {
  readonly graph: HeapGraph;
  readonly #options: NameOptions;
  readonly #pairs: PairNames;
  readonly columns: NamedColumns | undefined;
  /** Strings that are names of properties, which are structure and not contents; by node, and by row of the strings where there are columns. */
  readonly #keyNodes: RowSet;
  readonly #keyRows: RowSet | undefined;

  private constructor(graph: HeapGraph, options: NameOptions) {
    this.graph = graph;
    this.#options = options;
    this.columns = columnsOf(graph);
    this.#pairs = new PairNames(graph);
    this.#keyNodes = new RowSet(options.strings ? 0 : graph.nodeCount);
    this.#keyRows = options.strings || this.columns === undefined ? undefined : new RowSet(graph.strings.length);
  }

  /**
   * Looks through the graph for what names depend on.
   * @param tick called now and then; may throw to stop. The event loop turns in between.
   */
  static async of(graph: HeapGraph, options: NameOptions, tick: () => void): Promise<SnapshotNames> {
    const names = new SnapshotNames(graph, options);
    const descriptors = new RowSet(options.strings ? 0 : graph.nodeCount);
    const turn = async (edge: number): Promise<void> => {
      tick();
      if (edge > 0) await breathe();
    };
    await names.#eachNode(turn, (node, from, to) => names.#look(node, from, to, descriptors));
    if (!options.strings) {
      await names.#eachNode(turn, (node, from, to) => {
        if (descriptors.has(node)) names.#lookAtDescriptors(from, to);
      });
    }
    names.#pairs.join();
    return names;
  }

  async #eachNode(turn: (edge: number) => Promise<void>, look: (node: NodeIndex, from: EdgeIndex, to: EdgeIndex) => void): Promise<void> {
    const { nodeCount, firstEdge } = this.graph;
    let next = 0;
    for (let node = 0; node < nodeCount; node++) {
      const from = firstEdge[node]!;
      if (from + node >= next) {
        next = from + node + TURN;
        await turn(from);
      }
      look(node, from, firstEdge[node + 1]!);
    }
  }

  /** Notes edges of pairs, the names of properties, the arrays of descriptors, and what symbols are called. */
  #look(node: NodeIndex, from: EdgeIndex, to: EdgeIndex, descriptors: RowSet): void {
    const { graph, columns } = this;
    const { edgeKind, edgeTo } = graph;
    const isHiding = !this.#options.strings;
    const kind = graph.nodeKind[node]!;
    const isSymbol = kind === NodeKind.Symbol;
    const isNaming = isHiding && (isSymbol || kind === NodeKind.Hidden || kind === NodeKind.ObjectShape);
    for (let edge = from; edge < to; edge++) {
      const edgeIs = edgeKind[edge]!;
      if (edgeIs === EdgeKind.Ephemeron || edgeIs === EdgeKind.EphemeronTable) this.#pairs.add(node, edge);
      else if (edgeIs === EdgeKind.Property) {
        if (columns !== undefined) this.#keyRows?.add(columns.edgeName[edge]!);
      } else if (edgeIs === EdgeKind.Internal && isNaming) {
        const { name } = graph.edgeLabel(edge);
        if (isSymbol && name === 'name') this.#keyNodes.add(edgeTo[edge]!);
        else if (!isSymbol && name === 'descriptors') descriptors.add(edgeTo[edge]!);
      }
    }
  }

  #lookAtDescriptors(from: EdgeIndex, to: EdgeIndex): void {
    const { graph } = this;
    for (let edge = from; edge < to; edge++) {
      const kind = graph.edgeKind[edge]!;
      if (kind !== EdgeKind.Internal && kind !== EdgeKind.Hidden) continue;
      const slot = slotNumber(graph.edgeLabel(edge).name);
      if (slot !== undefined && slot % DESCRIPTOR_SLOTS === 0) this.#keyNodes.add(graph.edgeTo[edge]!);
    }
  }

  /** Whether a node's own name is written. */
  isShown(node: NodeIndex): boolean {
    const { nodeKind, nodeName } = this.graph;
    const kind = nodeKind[node]! as NodeKind;
    if (this.#options.strings) return true;
    if (kind === NodeKind.String) return this.#keyNodes.has(node) || this.#keyRows?.has(nodeName[node]!) === true;
    return !PLAIN_NAMES.has(kind);
  }

  /** A node's name as it is written. */
  nodeName(node: NodeIndex): string {
    const { graph } = this;
    if (this.isShown(node)) return cutName(graph.nodeLabel(node));
    const plain = PLAIN_NAMES.get(graph.nodeKind[node]! as NodeKind);
    return plain ?? lengthOnly(graph.nodeLabel(node));
  }

  /** The name of an edge that is not called by a number. */
  edgeName(edge: EdgeIndex): string {
    const { graph } = this;
    const kind = graph.edgeKind[edge]!;
    if (kind === EdgeKind.Ephemeron || kind === EdgeKind.EphemeronTable) {
      const own = this.#options.strings && graph.keyKind === 'snapshot-id' ? String(graph.edgeLabel(edge).name) : '';
      // What V8 wrote stays, as ids do.
      return PAIR.test(own) ? own : this.#pairs.nameOf(edge, (node) => this.nodeName(node), this.#options.idOf);
    }
    const name = String(graph.edgeLabel(edge).name);
    return this.#options.strings || kind !== EdgeKind.Internal || !name.startsWith(KEY_START) ? cutName(name) : ENTRY_VALUE;
  }
}

/** Rows of the file's string table for one pass over the nodes and then the edges of a graph. Names that come as rows already are looked up once. */
export class NameRows {
  readonly #names: SnapshotNames;
  readonly #rows: StringRows;
  /** By row of the graph's strings: the row in the file + 1, for names that are written as they are, and for strings of which only the length is. */
  readonly #known: Int32Array;
  readonly #knownLengths: Int32Array;
  /** The same for internal edges, of which some are not written as they are. */
  readonly #knownSlots: Int32Array;

  constructor(names: SnapshotNames, rows: StringRows) {
    this.#names = names;
    this.#rows = rows;
    const length = names.columns === undefined ? 0 : names.graph.strings.length;
    this.#known = new Int32Array(length);
    this.#knownLengths = new Int32Array(length);
    this.#knownSlots = new Int32Array(length);
  }

  ofNode(node: NodeIndex): number {
    const names = this.#names;
    const { columns, graph } = names;
    const isShown = names.isShown(node);
    if (columns === undefined || (!isShown && graph.nodeKind[node] !== NodeKind.String)) return this.#rows.rowOf(names.nodeName(node));
    const row = columns.nodeName[node]!;
    const known = isShown ? this.#known : this.#knownLengths;
    if (known[row] === 0) known[row] = this.#rows.rowOf(names.nodeName(node)) + 1;
    return known[row]! - 1;
  }

  /** The row of an edge's name, or the number that it is called by. */
  ofEdge(edge: EdgeIndex): number {
    const names = this.#names;
    const { columns, graph } = names;
    const kind = graph.edgeKind[edge]! as EdgeKind;
    if (columns === undefined) {
      if (isNumbered(kind)) return Number(graph.edgeLabel(edge).name);
    } else {
      const name = columns.edgeName[edge]!;
      if (isNumbered(kind)) return name;
      if (kind !== EdgeKind.Ephemeron && kind !== EdgeKind.EphemeronTable) {
        const known = kind === EdgeKind.Internal ? this.#knownSlots : this.#known;
        if (known[name] === 0) known[name] = this.#rows.rowOf(names.edgeName(edge)) + 1;
        return known[name]! - 1;
      }
    }
    return this.#rows.rowOf(names.edgeName(edge));
  }
}
