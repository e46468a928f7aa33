/**
 * The census of a graph that a V8 heap was written as: the records that every source gives, with retained sizes. What of it is garbage, and in which space of the heap
 * something lies, such a graph does not tell.
 */
import type { ConstructorRow, FunctionRow, HeapCensus, Origin, ShapeKind, ShapeRow } from './census.ts';
import type { Control } from './control.ts';
import { computeEdgeSet } from './distances.ts';
import { computeDominators } from './dominators.ts';
import { computeDominatorTree } from './dominator-tree.ts';
import { GraphCollections } from './graph-collections.ts';
import { CONTEXT, EdgeNames, groupNameOf, isNamedKind, shapeKindOf, Slot } from './graph-names.ts';
import type { PropertyList } from './graph-shapes.ts';
import { GraphShapes } from './graph-shapes.ts';
import type { NamedColumns, NodeIndex, StringTable } from './heap-graph.ts';
import { NO_NODE, NodeKind } from './heap-graph.ts';
import { computeGroupRetained } from './retained.ts';

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

  functionRow({ shared, closure, instances, shallowBytes, representative }: FunctionGroup, retainedBytes: number): FunctionRow {
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
      retainedBytes,
      representative,
    };
  }
}

/** Constructors of groups, and the constructor of every group. */
function constructorsOf(groups: readonly Group[]): { rows: Omit<ConstructorRow, 'retainedBytes'>[]; of: number[] } {
  const rows: { name: string; origin: Origin; kind: ShapeKind; instances: number; shallowBytes: number }[] = [];
  const byName = new Map<string, number>();
  const of: number[] = [];
  // The largest group of a name says what it is.
  const order = Array.from(groups.keys()).sort((a, b) => groups[b]!.shallowBytes - groups[a]!.shallowBytes);
  for (const at of order) {
    const { name, origin, kind, instances, shallowBytes } = groups[at]!;
    let row = byName.get(name);
    if (row === undefined) {
      row = rows.push({ name, origin, kind, instances: 0, shallowBytes: 0 }) - 1;
      byName.set(name, row);
    }
    rows[row]!.instances += instances;
    rows[row]!.shallowBytes += shallowBytes;
    of[at] = row;
  }
  return { rows, of };
}

/** Makes a control for one of several steps; each is given its part of the whole. */
function part(control: Control | undefined, from: number, to: number): Control {
  return { isCancelled: control?.isCancelled, onProgress: (share) => control?.onProgress?.(from + share * (to - from)) };
}

/**
 * Counts a graph. Every node is taken to be live; nodes that only weak edges reach retain their own bytes and no group's sum has them.
 * The columns must keep to what `verifyGraph` asks for.
 * @throws {InterruptedError} when `control` says so
 */
export function takeGraphCensus(input: CensusInput, control?: Control): HeapCensus {
  const { graph, strings } = input;
  const names = new EdgeNames(graph, strings);
  const grouping = new Grouping(input, names);
  const { groups, functions, shapeOf, functionOf } = grouping;
  const constructors = constructorsOf(groups);
  const dominators = computeDominators(graph, computeEdgeSet(graph, 'essential', part(control, 0, 0.2)), part(control, 0.2, 0.7));
  const tree = computeDominatorTree(dominators);
  const ofShapes = computeGroupRetained(tree, dominators, shapeOf, groups.length, part(control, 0.7, 0.8));
  const ofFunctions = computeGroupRetained(tree, dominators, functionOf, functions.length, part(control, 0.8, 0.9));
  const constructorOf = Int32Array.from(shapeOf, (shape) => constructors.of[shape] ?? NO_GROUP);
  const ofConstructors = computeGroupRetained(tree, dominators, constructorOf, constructors.rows.length, part(control, 0.9, 1));

  const totals = { objects: 0, bytes: 0, externalBytes: 0 };
  const { nodeCount, nodeKind, nodeShallowSize } = graph;
  for (let node = 0; node < nodeCount; node++) {
    if (nodeKind[node] === NodeKind.Synthetic) continue;
    if (nodeKind[node] === NodeKind.Native || nodeKind[node] === NodeKind.External) {
      if (groups[shapeOf[node]!]!.name.startsWith(HELD_NATIVE)) totals.externalBytes += nodeShallowSize[node]!;
    } else {
      totals.objects++;
      totals.bytes += nodeShallowSize[node]!;
    }
  }
  const shapes = groups
    .map((group, at) => ({ group, retainedBytes: ofShapes[at]! }))
    .sort((a, b) => b.group.shallowBytes - a.group.shallowBytes || b.group.instances - a.group.instances || a.group.representative - b.group.representative)
    .map(({ group, retainedBytes }, at): ShapeRow => {
      const { name, kind, origin, properties, instances, shallowBytes, representative } = group;
      const own = { properties: properties.names, propertyCount: properties.count, kind, origin };
      return { id: `s${at + 1}`, constructorName: name, ...own, instances, unreachable: 0, shallowBytes, retainedBytes, representative };
    });
  return {
    objects: totals.objects,
    bytes: totals.bytes,
    reachableObjects: totals.objects,
    reachableBytes: totals.bytes,
    externalBytes: totals.externalBytes,
    isolates: [],
    spaces: [],
    shapes,
    constructors: constructors.rows.map((row, at) => ({ ...row, retainedBytes: ofConstructors[at]! })).sort((a, b) => b.shallowBytes - a.shallowBytes),
    functions: functions
      .map((group, at) => grouping.functionRow(group, ofFunctions[at]!))
      .sort((a, b) => b.instances - a.instances || a.representative - b.representative),
    collections: new GraphCollections(graph, names).rows((node) => {
      const { name, origin, properties } = groups[shapeOf[node]!] ?? ROOT_GROUP;
      return { name, origin, propertyCount: properties.count };
    }),
    coverage: { complete: true, heapPages: 0, walkedBytes: totals.bytes, skippedBytes: 0, missingBytes: 0, problems: [] },
  };
}
