/**
 * The own properties of objects, from the graph of a V8 heap. An object's edges leave out small integers, so the names come from its hidden class: `map` leads to it,
 * `descriptors` from there to the array of names, which a class shares with the classes it grew from. How many of the names are a class's own the graph does not say
 * outright: the last class of a chain has them all, and each step back along `back_pointer` has one less.
 */
import { PROPERTY_NAMES_CAP } from './census.ts';
import type { EdgeNames } from './graph-names.ts';
import { Slot } from './graph-names.ts';
import type { NamedColumns, NodeIndex, StringTable } from './heap-graph.ts';
import { EdgeKind, NO_NODE, NodeKind } from './heap-graph.ts';

/** The first names of a list of properties, and how many there are in all. */
export interface PropertyList {
  readonly names: readonly string[];
  readonly count: number;
}

/** A descriptor is a name, details and a value (V8, src/objects/descriptor-array.h). */
const DESCRIPTOR_SLOTS = 3;
/** An entry of a dictionary is a key, a value and details (V8, src/objects/dictionary.h). */
const DICTIONARY_SLOTS = 3;
/** Steps along a chain of hidden classes that are followed. */
const MAX_STEPS = 4096;

/** The property names of the objects of one graph. */
export class GraphShapes {
  readonly #graph: NamedColumns;
  readonly #strings: StringTable;
  readonly #names: EdgeNames;
  /** The hidden class of every object, or `NO_NODE`. */
  readonly mapOf: Int32Array;
  readonly #descriptorsOf = new Map<NodeIndex, NodeIndex>();
  /** The hidden class that grew from another one and shares its names. */
  readonly #grown = new Map<NodeIndex, NodeIndex>();
  /** Names that some instance of a hidden class is seen to have. */
  readonly #seen = new Map<NodeIndex, number>();
  readonly #keys = new Map<NodeIndex, readonly NodeIndex[]>();
  readonly #texts = new Map<NodeIndex, string>();

  constructor(graph: NamedColumns, strings: StringTable, names: EdgeNames) {
    this.#graph = graph;
    this.#strings = strings;
    this.#names = names;
    this.mapOf = new Int32Array(graph.nodeCount).fill(NO_NODE);
    this.#findMaps();
    this.#countSeen();
  }

  #findMaps(): void {
    const { nodeCount, nodeKind, firstEdge, edgeKind, edgeTo } = this.#graph;
    const parents: [NodeIndex, NodeIndex][] = [];
    for (let node = 0; node < nodeCount; node++) {
      const kind = nodeKind[node]!;
      const isObject = kind === NodeKind.Object;
      if (!isObject && kind !== NodeKind.Hidden && kind !== NodeKind.ObjectShape) continue;
      for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) {
        if (edgeKind[edge] !== EdgeKind.Internal) continue;
        const slot = this.#names.slot(edge);
        if (isObject) {
          if (slot === Slot.Map) this.mapOf[node] = edgeTo[edge]!;
        } else if (slot === Slot.Descriptors) this.#descriptorsOf.set(node, edgeTo[edge]!);
        else if (slot === Slot.BackPointer) parents.push([node, edgeTo[edge]!]);
      }
    }
    for (const [child, parent] of parents) {
      const descriptors = this.#descriptorsOf.get(child);
      if (child !== parent && descriptors !== undefined && descriptors === this.#descriptorsOf.get(parent)) this.#grown.set(parent, child);
    }
  }

  /** For hidden classes that others grew from: the last name that one of their instances has. */
  #countSeen(): void {
    const { nodeCount, nodeName, firstEdge, edgeKind, edgeName } = this.#graph;
    for (let node = 0; node < nodeCount; node++) {
      const map = this.mapOf[node]!;
      if (map === NO_NODE || !this.#grown.has(map)) continue;
      const keys = this.#keysOf(map);
      let seen = this.#seen.get(map) ?? 0;
      for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) {
        if (edgeKind[edge] !== EdgeKind.Property) continue;
        for (let at = keys.length; at > seen; at--) if (nodeName[keys[at - 1]!] === edgeName[edge]) seen = at;
      }
      this.#seen.set(map, seen);
    }
  }

  /** The nodes of all names in the array of a hidden class, in order. */
  #keysOf(map: NodeIndex): readonly NodeIndex[] {
    const descriptors = this.#descriptorsOf.get(map);
    if (descriptors === undefined) return [];
    const known = this.#keys.get(descriptors);
    if (known !== undefined) return known;
    const { nodeKind, firstEdge, edgeKind, edgeTo } = this.#graph;
    const found: [number, NodeIndex][] = [];
    for (let edge = firstEdge[descriptors]!; edge < firstEdge[descriptors + 1]!; edge++) {
      if (edgeKind[edge] !== EdgeKind.Internal) continue;
      const kind = nodeKind[edgeTo[edge]!];
      if (kind !== NodeKind.String && kind !== NodeKind.Symbol) continue;
      const number = this.#names.number(edge);
      if (number !== undefined && number % DESCRIPTOR_SLOTS === 0) found.push([number, edgeTo[edge]!]);
    }
    const keys = found.sort((a, b) => a[0] - b[0]).map(([, key]) => key);
    this.#keys.set(descriptors, keys);
    return keys;
  }

  /** The text of a property name: a string as it is, a symbol as `Symbol(description)`, a private name as `#name`. */
  #textOf(key: NodeIndex): string {
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const { nodeKind, nodeName } = this.#graph;
    let text = this.#strings.at(nodeName[key]!);
    if (nodeKind[key] === NodeKind.Symbol) {
      const description = this.#names.find(key, Slot.Name);
      const name = description === undefined ? '' : this.#strings.at(nodeName[description]!);
      text = name.startsWith('#') ? name : `Symbol(${name})`;
    }
    this.#texts.set(key, text);
    return text;
  }

  /** Whether the objects of a hidden class keep their properties in a table of their own, so that each may have others. */
  isDictionary(map: NodeIndex): boolean {
    return this.#keysOf(map).length === 0;
  }

  /** The own properties of the objects of a hidden class, in order of insertion. */
  ofMap(map: NodeIndex): PropertyList {
    const keys = this.#keysOf(map);
    let steps = 0;
    // A class with one name that others share is that of arrays: what grew from it has other elements, not more names.
    if (keys.length > 1) for (let child = this.#grown.get(map); child !== undefined && steps < MAX_STEPS; child = this.#grown.get(child)) steps++;
    const count = Math.max(0, keys.length - steps, this.#seen.get(map) ?? 0);
    return { names: keys.slice(0, Math.min(count, PROPERTY_NAMES_CAP)).map((key) => this.#textOf(key)), count };
  }

  /** The properties of an object in dictionary mode, sorted: the order of a table is not that of insertion. */
  ofObject(node: NodeIndex): PropertyList {
    const table = this.#names.find(node, Slot.Properties);
    const keys = table === undefined ? [] : this.#keysOfTable(table);
    const names = keys.slice(0, PROPERTY_NAMES_CAP).map((key) => this.#textOf(key));
    return { names: names.sort(), count: keys.length };
  }

  /** A table's entries are a key, a value and details, which are small integers and so no nodes: the empty one of every three slots tells where the keys are. */
  #keysOfTable(table: NodeIndex): readonly NodeIndex[] {
    const { nodeKind, firstEdge, edgeKind, edgeTo } = this.#graph;
    const columns: NodeIndex[][] = [[], [], []];
    for (let edge = firstEdge[table]!; edge < firstEdge[table + 1]!; edge++) {
      const number = edgeKind[edge] === EdgeKind.Internal ? this.#names.number(edge) : undefined;
      if (number !== undefined) columns[number % DICTIONARY_SLOTS]!.push(edgeTo[edge]!);
    }
    const filled = columns.filter((column) => column.length > 0);
    const empty = columns.findIndex((column) => column.length === 0);
    const keys = filled.length === 1 ? filled[0]! : filled.length === 2 ? columns[(empty + 1) % DICTIONARY_SLOTS]! : [];
    return keys.filter((key) => nodeKind[key] === NodeKind.String || nodeKind[key] === NodeKind.Symbol);
  }
}
