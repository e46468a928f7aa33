/** How V8's heap snapshots name what the census asks for: slots of objects by the names of internal edges, and the groups that a summary by constructor makes. */
import type { ShapeKind } from './census.ts';
import type { EdgeIndex, NamedColumns, NodeIndex, StringTable } from './heap-graph.ts';
import { EdgeKind, isNumbered, NodeKind } from './heap-graph.ts';

/** The slots that say what an object is; `Other` is any name that is not asked for, which the numbers of slots are too. */
export const Slot = { Other: 0, Map: 1, Descriptors: 2, BackPointer: 3, Elements: 4, Table: 5, Properties: 6, Shared: 7, Script: 8, Name: 9, Prototype: 10 } as const;
export type Slot = (typeof Slot)[keyof typeof Slot];

const SLOTS: ReadonlyMap<string, Slot> = new Map<string, Slot>([
  ['map', Slot.Map],
  ['descriptors', Slot.Descriptors],
  ['back_pointer', Slot.BackPointer],
  ['elements', Slot.Elements],
  ['table', Slot.Table],
  ['properties', Slot.Properties],
  ['shared', Slot.Shared],
  ['script', Slot.Script],
  // V8 up to 9.x.
  ['script_or_debug_info', Slot.Script],
  ['name', Slot.Name],
  // An edge of kind property, unlike the others.
  ['__proto__', Slot.Prototype],
]);

/** Names of internal edges as slots and numbers, each worked out once. */
export class EdgeNames {
  readonly #graph: NamedColumns;
  readonly #strings: StringTable;
  /** By row of the strings: 0 for "not asked yet", else the slot + 1. */
  readonly #slots: Uint8Array;

  constructor(graph: NamedColumns, strings: StringTable) {
    this.#graph = graph;
    this.#strings = strings;
    this.#slots = new Uint8Array(strings.length);
  }

  /** The slot that a named edge leads through. */
  slot(edge: EdgeIndex): Slot {
    const row = this.#graph.edgeName[edge]!;
    const known = this.#slots[row]!;
    if (known !== 0) return (known - 1) as Slot;
    const slot = SLOTS.get(this.#strings.at(row)) ?? Slot.Other;
    this.#slots[row] = slot + 1;
    return slot;
  }

  /** The node that an internal edge of this slot leads to; `undefined` when the node has none. */
  find(node: NodeIndex, slot: Slot): NodeIndex | undefined {
    const { firstEdge, edgeKind, edgeTo } = this.#graph;
    for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) if (edgeKind[edge] === EdgeKind.Internal && this.slot(edge) === slot) return edgeTo[edge]!;
    return undefined;
  }

  /** The number that an internal or hidden edge is called by, as the slots of arrays are; `undefined` for a name. */
  number(edge: EdgeIndex): number | undefined {
    const { edgeKind, edgeName } = this.#graph;
    if (isNumbered(edgeKind[edge]! as EdgeKind)) return edgeName[edge]!;
    const name = this.#strings.at(edgeName[edge]!);
    return /^\d{1,10}$/.test(name) ? Number(name) : undefined;
  }
}

/** Group names of nodes that have none of their own, by kind; undefined for those that have. */
const GROUPS: Readonly<Record<NodeKind, string | undefined>> = {
  [NodeKind.Hidden]: '(system)',
  [NodeKind.Array]: '(array)',
  [NodeKind.String]: '(string)',
  [NodeKind.Object]: undefined,
  [NodeKind.Code]: '(code)',
  [NodeKind.Closure]: '(closure)',
  [NodeKind.RegExp]: '(regexp)',
  [NodeKind.Number]: '(number)',
  [NodeKind.Native]: undefined,
  [NodeKind.Synthetic]: '(synthetic)',
  [NodeKind.ConsString]: '(concatenated string)',
  [NodeKind.SlicedString]: '(sliced string)',
  [NodeKind.Symbol]: '(symbol)',
  [NodeKind.BigInt]: '(bigint)',
  [NodeKind.ObjectShape]: '(object shape)',
  [NodeKind.External]: '(external)',
};

/** To a snapshot a proxy is no JavaScript object; a summary by constructor tells proxies apart all the same. */
const PROXY = 'system / JSProxy';
export const CONTEXT = 'system / Context';

/** The group that a node is counted in: the class name of a JavaScript object, the kind in parentheses for what is none. */
export function groupNameOf(kind: NodeKind, name: string): string {
  return name === PROXY && kind === NodeKind.Hidden ? name : (GROUPS[kind] ?? name);
}

/** Whether the name of a node of this kind may say which group it is in. */
export function isNamedKind(kind: NodeKind): boolean {
  return kind === NodeKind.Object || kind === NodeKind.Native || kind === NodeKind.Hidden;
}

const BUFFERS: ReadonlySet<string> = new Set([
  ...['Buffer', 'ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Uint8Array', 'Int8Array', 'Uint16Array', 'Int16Array', 'Uint32Array', 'Int32Array'],
  ...['Float16Array', 'Float32Array', 'Float64Array', 'Uint8ClampedArray', 'BigUint64Array', 'BigInt64Array', 'FastBuffer'],
]);

/** What the instances of a group are, as far as kind and name tell. */
export function shapeKindOf(kind: NodeKind, name: string): ShapeKind {
  switch (kind) {
    case NodeKind.String:
    case NodeKind.ConsString:
    case NodeKind.SlicedString:
      return 'string';
    case NodeKind.Number:
    case NodeKind.BigInt:
      return 'number';
    case NodeKind.Closure:
      return 'function';
    case NodeKind.RegExp:
      return 'object';
    case NodeKind.Object:
      if (name === CONTEXT) return 'context';
      if (name === 'Array') return 'array';
      if (name === 'Map') return 'map';
      if (name === 'Set') return 'set';
      return BUFFERS.has(name) ? 'buffer' : 'object';
    default:
      return 'internal';
  }
}
