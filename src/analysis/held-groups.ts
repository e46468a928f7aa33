/** What each node of a graph is counted as: classes, plain objects by their properties, closures by their definition, text. V8's own helpers are none of them. */
import type { FunctionRow, HeapCensus, Origin, ShapeRow } from '../graph/census.ts';
import type { DominatorTree } from '../graph/dominator-tree.ts';
import type { Dominators } from '../graph/dominators.ts';
import { isBetween } from '../graph/graph-paths.ts';
import type { HeapGraph, NodeIndex } from '../graph/heap-graph.ts';
import { NodeKind } from '../graph/heap-graph.ts';
import type { PathTree } from '../graph/path-tree.ts';

/** A counted heap with its object graph: all that ranking by who holds what needs. */
export interface HeldHeap {
  /** With retained sizes; `graph.nodeShape` holds rows of its shapes. */
  readonly census: HeapCensus;
  readonly graph: HeapGraph;
  readonly dominators: Dominators;
  readonly tree: DominatorTree;
  readonly pathTree: PathTree;
  functionOf(node: NodeIndex): FunctionRow | undefined;
  /** Row of the census's `functions` of a closure, or -1. */
  functionRow(node: NodeIndex): number;
}

/** How well the name of a group tells a person what leaks. */
export const NameRank = {
  /** Text, numbers, memory outside of the heap. */
  Nothing: 0,
  /** Types of the language and of Node. */
  Language: 1,
  /** Plain objects, and arrays of the application's own. */
  Plain: 2,
  /** Closures of the application. */
  Closure: 3,
  /** Classes of the application. */
  Class: 4,
} as const;
export type NameRank = (typeof NameRank)[keyof typeof NameRank];

/** All nodes that a person would give one name. */
export interface NodeGroup {
  readonly name: string;
  readonly origin: Origin;
  readonly rank: NameRank;
  readonly kind: 'object' | 'closure' | 'string' | 'symbol' | 'external';
  /** All live instances of the group. */
  readonly instances: number;
  readonly retainedBytes: number;
  readonly shallowBytes: number;
  /** The shape of most of its instances; for closures their definition stands in its place. */
  readonly shape: ShapeRow | undefined;
  readonly closure: FunctionRow | undefined;
}

/** Stands for "counted as nothing". */
export const NO_GROUP = -1;

function isPlain(row: ShapeRow): boolean {
  return row.constructorName === 'Object' || row.constructorName === '';
}

/** Objects that the language makes for every call of a function of the application: their class says nothing. */
const OF_LANGUAGE: ReadonlySet<string> = new Set(['Generator', 'AsyncGenerator', 'AsyncFunction', 'GeneratorFunction', 'Promise', 'Arguments', 'Array', 'Map', 'Set', 'Date']);

function rankOfShape(row: ShapeRow): NameRank {
  if (row.kind === 'string') return NameRank.Nothing;
  if (row.constructorName === '(symbol)' || OF_LANGUAGE.has(row.constructorName)) return NameRank.Language;
  if (row.origin === 'application') return isPlain(row) ? NameRank.Plain : NameRank.Class;
  return row.kind === 'internal' || row.kind === 'number' ? NameRank.Nothing : NameRank.Language;
}

type Draft = { -readonly [K in keyof NodeGroup]: NodeGroup[K] };

/** The groups of one heap. */
export class NodeGroups {
  readonly groups: readonly NodeGroup[];
  readonly #heap: HeldHeap;
  /** Group of every row of the shapes; `NO_GROUP` for contexts, numbers, and what V8 needs for itself. */
  readonly #ofShape: Int32Array;
  /** Group of every row of the functions. */
  readonly #ofFunction: Int32Array;

  constructor(heap: HeldHeap) {
    this.#heap = heap;
    const { census } = heap;
    const groups: Draft[] = [];
    const byKey = new Map<string, number>();
    const add = (key: string, made: () => Draft, instances: number, shallowBytes: number): number => {
      let at = byKey.get(key);
      if (at === undefined) byKey.set(key, (at = groups.push(made()) - 1));
      const group = groups[at]!;
      group.instances += instances;
      group.shallowBytes += shallowBytes;
      return at;
    };
    const counted = { instances: 0, shallowBytes: 0, retainedBytes: 0 };
    this.#ofShape = Int32Array.from(census.shapes, (row) => {
      const kind = row.kind === 'string' ? 'string' : row.constructorName === '(symbol)' ? 'symbol' : 'object';
      if (row.kind === 'context' || row.kind === 'function' || row.kind === 'number' || (row.kind === 'internal' && kind === 'object')) return NO_GROUP;
      const key = isPlain(row) ? `${row.origin}\0Object\0${row.properties.join('\0')}\0${row.propertyCount}` : `${row.origin}\0${row.constructorName}`;
      const name = row.constructorName === '' ? 'Object' : row.constructorName;
      return add(key, () => ({ name, origin: row.origin, rank: rankOfShape(row), kind, shape: row, closure: undefined, ...counted }), row.instances, row.shallowBytes);
    });
    const largest = new Map<number, ShapeRow>();
    for (const [at, row] of census.shapes.entries()) {
      const group = this.#ofShape[at]!;
      const known = largest.get(group);
      if (group !== NO_GROUP && (known === undefined || row.instances > known.instances)) largest.set(group, row);
    }
    const constructors = new Map(census.constructors.map((row) => [row.name, row.retainedBytes ?? 0]));
    for (const [at, row] of largest) {
      const group = groups[at]!;
      group.shape = row;
      group.retainedBytes = isPlain(row) ? (row.retainedBytes ?? 0) : (constructors.get(row.constructorName) ?? 0);
    }
    this.#ofFunction = Int32Array.from(census.functions, (row) => {
      // A text that is compiled again and again gives a definition each time: they are one to a person.
      const key = ['closure', row.name, row.script ?? '', row.line ?? '', row.column ?? ''].join('\0');
      const rank = row.origin === 'application' ? NameRank.Closure : NameRank.Language;
      const at = add(key, () => ({ name: row.name, origin: row.origin, rank, kind: 'closure', shape: undefined, closure: row, ...counted }), row.instances, row.shallowBytes);
      groups[at]!.retainedBytes += row.retainedBytes ?? 0;
      return at;
    });
    this.external = groups.push({ name: '', origin: 'internal', rank: NameRank.Nothing, kind: 'external', shape: undefined, closure: undefined, ...counted }) - 1;
    this.builtin = groups.push({ name: '', origin: 'language', rank: NameRank.Language, kind: 'closure', shape: undefined, closure: undefined, ...counted }) - 1;
    this.groups = groups;
  }

  /** The group of closures whose definition is not known: V8's own. */
  readonly builtin: number;

  /** The group of memory outside of the heap. */
  readonly external: number;

  /** The group of a node, or `NO_GROUP`. */
  groupOf(node: NodeIndex): number {
    const { graph } = this.#heap;
    const kind = graph.nodeKind[node]!;
    if (kind === NodeKind.Closure) {
      const row = this.#heap.functionRow(node);
      return row < 0 ? this.builtin : this.#ofFunction[row]!;
    }
    if (kind === NodeKind.External || kind === NodeKind.Native) return this.external;
    if (isBetween(graph, node)) return NO_GROUP;
    const shape = graph.nodeShape[node]!;
    return shape < 0 ? NO_GROUP : this.#ofShape[shape]!;
  }

  at(group: number): NodeGroup {
    const found = this.groups[group];
    if (found === undefined) throw new RangeError(`group ${group} of ${this.groups.length}`);
    return found;
  }
}
