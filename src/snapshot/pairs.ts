/**
 * Entries of WeakMaps as a snapshot writes them: the edge from the key and the one from the table are internal edges with one long name, which tells of the key, the
 * value and the table. A graph has them as edges of two kinds, so which belong together is found here.
 */
import { Int32Column } from '../bytes/columns.ts';
import type { EdgeIndex, GraphColumns, NodeIndex } from '../graph/heap-graph.ts';
import { EdgeKind, NO_NODE } from '../graph/heap-graph.ts';

/** The name that V8 gives to the edges of a WeakMap's entry, with the id of the table. */
export const PAIR: RegExp = /^\d+ \/ part of key \(.*? @\d+\) -> value \(.*? @\d+\) pair in WeakMap \(table @(\d+)\)$/s;

/** Names in the name of a pair are shorter than this, so that it is never cut. */
const MAX_NAME = 200;
/** Steps of the search for each edge of a pair; beyond, edges are joined by their values alone. */
const STEPS_PER_EDGE = 64;

/** The id in the place of a key or a table that is not known; no node has it. */
const NO_ID = 0;
const NONE: Int32Array = new Int32Array(0);

/** The row of the first element that is not below `wanted`, in numbers that rise. */
function firstNotBelow(rising: Int32Array, wanted: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rising[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Chains of rows that lead to the same node. */
class RowsByNode {
  readonly #head: Int32Array;
  readonly #next: Int32Array;

  constructor(nodeCount: number, rows: number) {
    this.#head = new Int32Array(nodeCount);
    this.#next = new Int32Array(rows);
  }

  add(node: NodeIndex, row: number): void {
    this.#next[row] = this.#head[node]!;
    this.#head[node] = row + 1;
  }

  /** Takes a row out; -1 when the node has none. */
  take(node: NodeIndex): number {
    const row = this.#head[node]! - 1;
    if (row >= 0) this.#head[node] = this.#next[row]!;
    return row;
  }

  forget(node: NodeIndex): void {
    this.#head[node] = 0;
  }
}

/** The names of the edges of WeakMap entries. */
export class PairNames {
  readonly #graph: GraphColumns;
  readonly #addedKeyEdges = new Int32Column();
  readonly #addedKeys = new Int32Column();
  readonly #addedTableEdges = new Int32Column();
  readonly #addedTables = new Int32Column();
  /** Edges from keys and from tables, each rising, with the node they come from. */
  #keyEdges = NONE;
  #keys = NONE;
  #tableEdges = NONE;
  #tables = NONE;
  /** The row of the table's edge for each of the key's, and the other way round; -1 where there is none. */
  #tableOf = NONE;
  #keyOf = NONE;

  constructor(graph: GraphColumns) {
    this.#graph = graph;
  }

  /** Takes an edge of one of the two kinds; edges must come in order. */
  add(node: NodeIndex, edge: EdgeIndex): void {
    const isTable = this.#graph.edgeKind[edge] === EdgeKind.EphemeronTable;
    (isTable ? this.#addedTableEdges : this.#addedKeyEdges).push(edge);
    (isTable ? this.#addedTables : this.#addedKeys).push(node);
  }

  /** Finds the pairs, when all edges are there. Takes 24 bytes a pair, and 4 a node while it works when there are any. */
  join(): void {
    this.#keyEdges = this.#addedKeyEdges.finish();
    this.#keys = this.#addedKeys.finish();
    this.#tableEdges = this.#addedTableEdges.finish();
    this.#tables = this.#addedTables.finish();
    this.#tableOf = new Int32Array(this.#keyEdges.length).fill(-1);
    this.#keyOf = new Int32Array(this.#tableEdges.length).fill(-1);
    if (this.#keyEdges.length === 0 || this.#tableEdges.length === 0) return;
    this.#joinByTable();
    this.#joinByValue();
  }

  #pair(keyRow: number, tableRow: number): void {
    this.#tableOf[keyRow] = tableRow;
    this.#keyOf[tableRow] = keyRow;
  }

  /** A table refers weakly to its keys: that tells which of the tables that hold a value a key belongs to. */
  #joinByTable(): void {
    const { nodeCount, firstEdge, edgeKind, edgeTo } = this.#graph;
    const rows = this.#tableEdges.length;
    const byValue = new RowsByNode(nodeCount, rows);
    let steps = STEPS_PER_EDGE * (rows + this.#keyEdges.length);
    for (let from = 0; from < rows;) {
      const table = this.#tables[from]!;
      let to = from;
      while (to < rows && this.#tables[to] === table) to++;
      for (let row = to - 1; row >= from; row--) byValue.add(edgeTo[this.#tableEdges[row]!]!, row);
      const end = firstEdge[table + 1]!;
      for (let edge = firstEdge[table]!; edge < end && steps > 0; edge++) {
        const key = edgeTo[edge]!;
        if (edgeKind[edge] !== EdgeKind.Weak || key === table) continue;
        for (let row = firstNotBelow(this.#keys, key); this.#keys[row] === key && steps > 0; row++) {
          steps--;
          if (this.#tableOf[row]! >= 0) continue;
          const tableRow = byValue.take(edgeTo[this.#keyEdges[row]!]!);
          if (tableRow >= 0) this.#pair(row, tableRow);
        }
      }
      for (let row = from; row < to; row++) byValue.forget(edgeTo[this.#tableEdges[row]!]!);
      from = to;
    }
  }

  /** What is left is joined if key and table hold the same value. */
  #joinByValue(): void {
    const { nodeCount, edgeTo } = this.#graph;
    const byValue = new RowsByNode(nodeCount, this.#tableEdges.length);
    for (let row = this.#tableEdges.length - 1; row >= 0; row--) if (this.#keyOf[row]! < 0) byValue.add(edgeTo[this.#tableEdges[row]!]!, row);
    for (let row = 0; row < this.#keyEdges.length; row++) {
      if (this.#tableOf[row]! >= 0) continue;
      const tableRow = byValue.take(edgeTo[this.#keyEdges[row]!]!);
      // A table is no key of its own: the name would not tell which of the two edges it is.
      if (tableRow >= 0 && this.#tables[tableRow] !== this.#keys[row]) this.#pair(row, tableRow);
    }
  }

  /** What an edge of one of the two kinds is called. Where no partner was found, its id is 0. */
  nameOf(edge: EdgeIndex, nodeName: (node: NodeIndex) => string, idOf: (node: NodeIndex) => number): string {
    const isTable = this.#graph.edgeKind[edge] === EdgeKind.EphemeronTable;
    const row = firstNotBelow(isTable ? this.#tableEdges : this.#keyEdges, edge);
    const keyRow = isTable ? this.#keyOf[row]! : row;
    const tableRow = isTable ? row : this.#tableOf[row]!;
    const key = keyRow < 0 ? NO_NODE : this.#keys[keyRow]!;
    const table = tableRow < 0 ? NO_NODE : this.#tables[tableRow]!;
    const show = (node: NodeIndex): string => (node === NO_NODE ? `? @${NO_ID}` : `${nodeName(node).slice(0, MAX_NAME)} @${idOf(node)}`);
    // Both edges of a pair have the same number, and so the same name.
    const number = (tableRow < 0 ? keyRow : tableRow) + 1;
    const tableId = table === NO_NODE ? NO_ID : idOf(table);
    return `${number} / part of key (${show(key)}) -> value (${show(this.#graph.edgeTo[edge]!)}) pair in WeakMap (table @${tableId})`;
  }
}
