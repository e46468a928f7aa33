/**
 * The census of a graph that a V8 heap was written as: the records that every source gives. What of it is garbage, and in which space of the heap something lies, such
 * a graph does not tell.
 */
import type { ConstructorRow, FunctionRow, HeapCensus, Origin, ShapeKind, ShapeRow } from './census.ts';
import type { Control } from './control.ts';
import { makeTicker } from './control.ts';
import { GraphCollections } from './graph-collections.ts';
import { CONTEXT, EdgeNames, groupNameOf, isNamedKind, shapeKindOf, Slot } from './graph-names.ts';
import type { PropertyList } from './graph-shapes.ts';
import { GraphShapes } from './graph-shapes.ts';
import type { NamedColumns, NodeIndex, StringTable } from './heap-graph.ts';
import { NO_NODE, NO_SHAPE, NodeKind } from './heap-graph.ts';
import { sharedInt32 } from './shared.ts';

/** What a census is taken of. */
export interface CensusInput {
  readonly graph: NamedColumns;
  readonly strings: StringTable;
  /** Four numbers a place: node, script id, line and column, both counted from 0. Closures have one, and objects that of their constructor. */
  readonly places: Int32Array;
}

const PLACE_WIDTH = 4;
const NO_GROUP = -1;
const NO_PROPERTIES: PropertyList = { names: [], count: 0 };
/** Stands for the group of synthetic nodes, which are counted in none. */
const ROOT_GROUP = { name: '(synthetic)', origin: 'internal', properties: NO_PROPERTIES } as const;
/** Native nodes of this name stand for what JavaScript objects hold: stores of ArrayBuffers, external strings. Others are the embedder's own. */
const HELD_NATIVE = 'system / ';

interface Group {
  readonly name: string;
  readonly kind: ShapeKind;
  readonly origin: Origin;
  readonly properties: PropertyList;
  instances: number;
  shallowBytes: number;
  representative: number;
}

interface FunctionGroup {
  readonly shared: NodeIndex;
  readonly closure: NodeIndex;
  instances: number;
  shallowBytes: number;
  representative: number;
}

/** Whose code a script is: Node's own is `node:…`, before Node 16 settled that `internal/…`. */
function originOfScript(name: string | undefined): Origin {
  if (name === undefined) return 'application';
  return name.startsWith('node:') || name.startsWith('internal/') ? 'node' : 'application';
}

class Grouping {
  readonly #graph: NamedColumns;
  readonly #strings: StringTable;
  readonly #places: Int32Array;
  readonly #names: EdgeNames;
  readonly #shapes: GraphShapes;
  /** First number of the place of every node, or -1. */
  readonly #placeOf: Int32Array;
  readonly #scripts = new Map<number, string>();
  readonly groups: Group[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #byMap = new Map<number, number>();
  readonly #byKind = new Map<number, number>();
  readonly shapeOf: Int32Array;
  readonly functions: FunctionGroup[] = [];
  readonly functionOf: Int32Array;

  constructor({ graph, strings, places }: CensusInput, names: EdgeNames) {
    this.#graph = graph;
    this.#strings = strings;
    this.#places = places;
    this.#names = names;
    this.#shapes = new GraphShapes(graph, strings, names);
    this.#placeOf = new Int32Array(graph.nodeCount).fill(NO_NODE);
    for (let at = 0; at + PLACE_WIDTH <= places.length; at += PLACE_WIDTH) this.#placeOf[places[at]!] = at;
    this.shapeOf = new Int32Array(graph.nodeCount).fill(NO_GROUP);
    this.functionOf = new Int32Array(graph.nodeCount).fill(NO_GROUP);
    this.#groupFunctions();
    this.#groupNodes();
  }

  #groupFunctions(): void {
    const { nodeCount, nodeKind, nodeKey, nodeShallowSize } = this.#graph;
    const byShared = new Map<NodeIndex, number>();
    for (let node = 0; node < nodeCount; node++) {
      if (nodeKind[node] !== NodeKind.Closure) continue;
      const shared = this.#names.find(node, Slot.Shared);
      if (shared === undefined) continue;
      let at = byShared.get(shared);
      if (at === undefined) {
        at = this.functions.push({ shared, closure: node, instances: 0, shallowBytes: 0, representative: nodeKey[node]! }) - 1;
        byShared.set(shared, at);
        const place = this.#placeOf[node]!;
        const script = this.#scriptOf(shared);
        if (place >= 0 && script !== undefined) this.#scripts.set(this.#places[place + 1]!, script);
      }
      const group = this.functions[at]!;
      group.instances++;
      group.shallowBytes += nodeShallowSize[node]!;
      group.representative = Math.min(group.representative, nodeKey[node]!);
      this.functionOf[node] = at;
    }
  }

  /** The name of the script that a function's shared part leads to; a script is filed as code under its own name. */
  #scriptOf(shared: NodeIndex): string | undefined {
    const script = this.#names.find(shared, Slot.Script);
    if (script === undefined || this.#graph.nodeKind[script] !== NodeKind.Code) return undefined;
    const name = this.#strings.at(this.#graph.nodeName[script]!);
    return name === '' || name.startsWith('system / ') ? undefined : name;
  }

  #groupNodes(): void {
    const { nodeCount, nodeKind, nodeName, nodeKey, nodeShallowSize } = this.#graph;
    const rows = this.#strings.length;
    for (let node = 0; node < nodeCount; node++) {
      const kind = nodeKind[node]! as NodeKind;
      if (kind === NodeKind.Synthetic) continue;
      const map = this.#shapes.mapOf[node]!;
      let at: number | undefined;
      if (map !== NO_NODE && !this.#shapes.isDictionary(map)) {
        // The name is the map's, but for objects that have a tag of their own.
        const key = map * rows + nodeName[node]!;
        at = this.#byMap.get(key);
        if (at === undefined) this.#byMap.set(key, (at = this.#group(node, kind, this.#shapes.ofMap(map))));
      } else if (kind === NodeKind.Object) at = this.#group(node, kind, this.#shapes.ofObject(node));
      else {
        const key = isNamedKind(kind) ? nodeName[node]! * 16 + kind : -1 - kind;
        at = this.#byKind.get(key);
        if (at === undefined) this.#byKind.set(key, (at = this.#group(node, kind, NO_PROPERTIES)));
      }
      const group = this.groups[at]!;
      group.instances++;
      group.shallowBytes += nodeShallowSize[node]!;
      group.representative = Math.min(group.representative, nodeKey[node]!);
      this.shapeOf[node] = at;
    }
  }

  #group(node: NodeIndex, nodeKind: NodeKind, properties: PropertyList): number {
    const name = groupNameOf(nodeKind, isNamedKind(nodeKind) ? this.#strings.at(this.#graph.nodeName[node]!) : '');
    const kind = shapeKindOf(nodeKind, name);
    const origin = this.#originOf(node, nodeKind, name);
    const own = kind === 'context' ? NO_PROPERTIES : properties;
    const key = [nodeKind === NodeKind.Native ? 'native' : kind, name, origin, own.count, ...own.names].join('\0');
    let at = this.#byKey.get(key);
    if (at === undefined) {
      at = this.groups.push({ name, kind, origin, properties: own, instances: 0, shallowBytes: 0, representative: this.#graph.nodeKey[node]! }) - 1;
      this.#byKey.set(key, at);
    }
    return at;
  }

  #originOf(node: NodeIndex, kind: NodeKind, name: string): Origin {
    if (kind === NodeKind.Closure || kind === NodeKind.RegExp) return 'language';
    if (kind !== NodeKind.Object || name === CONTEXT) return 'internal';
    const place = this.#placeOf[node]!;
    if (place >= 0) return originOfScript(this.#scripts.get(this.#places[place + 1]!));
    // Literals are the application's, as far as a heap can tell; Node's own are few.
    return name === 'Object' ? 'application' : 'language';
  }

  functionRow({ shared, closure, instances, shallowBytes, representative }: FunctionGroup): FunctionRow {
    const place = this.#placeOf[closure]!;
    const script = this.#scriptOf(shared) ?? (place >= 0 ? this.#scripts.get(this.#places[place + 1]!) : undefined);
    return {
      name: this.#strings.at(this.#graph.nodeName[closure]!),
      script,
      line: place < 0 ? undefined : this.#places[place + 2]! + 1,
      column: place < 0 ? undefined : this.#places[place + 3]! + 1,
      origin: place < 0 && script === undefined ? 'language' : originOfScript(script),
      instances,
      shallowBytes,
      retainedBytes: undefined,
      representative,
    };
  }
}

/** Adds the groups of one constructor up, the largest first. */
function constructorsOf(groups: readonly Group[]): ConstructorRow[] {
  const rows = new Map<string, { -readonly [K in keyof ConstructorRow]: ConstructorRow[K] }>();
  // The largest group of a name says what it is.
  for (const { name, origin, kind, instances, shallowBytes } of groups.toSorted((a, b) => b.shallowBytes - a.shallowBytes)) {
    const row = rows.get(name) ?? { name, origin, kind, instances: 0, shallowBytes: 0, retainedBytes: undefined };
    row.instances += instances;
    row.shallowBytes += shallowBytes;
    rows.set(name, row);
  }
  return [...rows.values()].sort((a, b) => b.shallowBytes - a.shallowBytes);
}

/** A census, and which of its rows each node is counted in. */
export interface GraphCensus {
  readonly census: HeapCensus;
  /** Row of `census.shapes` of every node; -1 for synthetic nodes. Shared. */
  readonly nodeShape: Int32Array;
  /** Nodes that are closures of a known function, and for each of them the row of `census.functions`. Parallel, shared. */
  readonly closureNode: Int32Array;
  readonly closureFunction: Int32Array;
}

/** The rows in order, and the new place of each of them. */
function sorted<T>(rows: readonly T[], compare: (a: T, b: T) => number): { readonly rows: readonly T[]; readonly placeOf: Int32Array } {
  const order = Array.from(rows.keys()).sort((a, b) => compare(rows[a]!, rows[b]!));
  const placeOf = new Int32Array(rows.length);
  for (const [place, at] of order.entries()) placeOf[at] = place;
  return { rows: order.map((at) => rows[at]!), placeOf };
}

/**
 * Counts a graph. Every node is taken to be live. Retained sizes are left open: `computeRetained` and `addRetained` fill them.
 * The columns must keep to what `verifyGraph` asks for.
 * @throws {InterruptedError} when `control` says so
 */
export function takeGraphCensus(input: CensusInput, control?: Control): GraphCensus {
  const { graph, strings } = input;
  const tick = makeTicker(control);
  tick(0);
  const names = new EdgeNames(graph, strings);
  const grouping = new Grouping(input, names);
  const { groups, functions, shapeOf, functionOf } = grouping;
  tick(0.6);
  const totals = { objects: 0, bytes: 0, externalBytes: 0 };
  const { nodeCount, nodeKind, nodeShallowSize } = graph;
  let closures = 0;
  for (let node = 0; node < nodeCount; node++) {
    if (nodeKind[node] === NodeKind.Synthetic) continue;
    if (functionOf[node]! >= 0) closures++;
    if (nodeKind[node] === NodeKind.Native || nodeKind[node] === NodeKind.External) {
      if (groups[shapeOf[node]!]!.name.startsWith(HELD_NATIVE)) totals.externalBytes += nodeShallowSize[node]!;
    } else {
      totals.objects++;
      totals.bytes += nodeShallowSize[node]!;
    }
  }
  const collections = new GraphCollections(graph, names).rows((node) => {
    const { name, origin, properties } = groups[shapeOf[node]!] ?? ROOT_GROUP;
    return { name, origin, propertyCount: properties.count };
  });
  tick(0.8);
  const shapes = sorted(groups, (a, b) => b.shallowBytes - a.shallowBytes || b.instances - a.instances || a.representative - b.representative);
  const byInstances = sorted(functions, (a, b) => b.instances - a.instances || a.representative - b.representative);
  const nodeShape = sharedInt32(nodeCount);
  const closureNode = sharedInt32(closures);
  const closureFunction = sharedInt32(closures);
  for (let node = 0, at = 0; node < nodeCount; node++) {
    const shape = shapeOf[node]!;
    nodeShape[node] = shape < 0 ? NO_SHAPE : shapes.placeOf[shape]!;
    const row = functionOf[node]!;
    if (row < 0) continue;
    closureNode[at] = node;
    closureFunction[at++] = byInstances.placeOf[row]!;
  }
  tick(1);
  const census: HeapCensus = {
    objects: totals.objects,
    bytes: totals.bytes,
    reachableObjects: totals.objects,
    reachableBytes: totals.bytes,
    externalBytes: totals.externalBytes,
    isolates: [],
    spaces: [],
    shapes: shapes.rows.map(({ name, kind, origin, properties, instances, shallowBytes, representative }, at): ShapeRow => {
      const own = { properties: properties.names, propertyCount: properties.count, kind, origin };
      return { id: `s${at + 1}`, constructorName: name, ...own, instances, unreachable: 0, shallowBytes, retainedBytes: undefined, representative };
    }),
    constructors: constructorsOf(groups),
    functions: byInstances.rows.map((group) => grouping.functionRow(group)),
    collections,
    coverage: { complete: true, heapPages: 0, walkedBytes: totals.bytes, skippedBytes: 0, missingBytes: 0, problems: [] },
  };
  return { census, nodeShape, closureNode, closureFunction };
}
