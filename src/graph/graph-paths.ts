/**
 * A retaining path as a person would write it: `module server.js → shop.audit → AuditLog.sessions → Map → ["171…"]`. Knows how V8's snapshots name what lies between two
 * objects: contexts, tables, backing stores. These are folded away; what they are called is not lost: `pathSteps` lists every node.
 */
import type { FunctionRow } from './census.ts';
import { entryLayout } from './graph-collections.ts';
import { CONTEXT } from './graph-names.ts';
import type { EdgeIndex, HeapGraph, NodeIndex } from './heap-graph.ts';
import { EdgeKind, edgeSource, NodeKind, ROOT } from './heap-graph.ts';

/** One node of a path, with what its edge to the next one is called. */
export interface PathStep {
  readonly node: NodeIndex;
  readonly label: string;
  readonly edge: string | undefined;
  /** Where a closure is defined; the line counts from 1. */
  readonly file: string | undefined;
  readonly line: number | undefined;
}

/** A piece of a path in words: own wording, or a name of the dead process. */
export type PathPiece = string | { readonly name: string };

/** What the words may use. */
export interface PathNames {
  readonly graph: HeapGraph;
  readonly functionOf: (node: NodeIndex) => FunctionRow | undefined;
  /** Shows what is in strings that serve as keys, and not their first characters alone. */
  readonly strings: boolean;
}

const NATIVE_CONTEXT = 'system / NativeContext';
const ARROW = ' → ';
const LABEL_LENGTH = 80;
const KEY_LENGTH = 40;
/** Characters of a key that are shown when strings are not to be. */
const KEY_START = 3;
/** Steps from a context back to the closure that led to it. */
const CLOSURE_REACH = 3;

const clipped = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`);
const fileName = (script: string): string => (script.startsWith('node:') ? script : (script.split(/[\\/]/).at(-1) ?? script));
const isNodeScript = (script: string): boolean => script.startsWith('node:') || script.startsWith('internal/');

function isString(kind: number): boolean {
  return kind === NodeKind.String || kind === NodeKind.ConsString || kind === NodeKind.SlicedString;
}

/** Whether a node is one that people do not name: stores, tables, V8's own helpers, code. Contexts are none of them. */
export function isBetween(graph: HeapGraph, node: NodeIndex): boolean {
  const kind = graph.nodeKind[node]!;
  return kind === NodeKind.Array || kind === NodeKind.Hidden || kind === NodeKind.Code || kind === NodeKind.ObjectShape;
}

/** Whether a node is the context of a function or a module. */
export function isContext(graph: HeapGraph, node: NodeIndex): boolean {
  return graph.nodeKind[node] === NodeKind.Object && graph.nodeLabel(node) === CONTEXT;
}

/** V8's name of a global object since 14.x, where the root's shortcut leads to the native context instead. */
const NEWER_GLOBAL = 'global (global*)';

/** Whether a node is one of the user's global objects. */
export function isGlobal(graph: HeapGraph, node: NodeIndex): boolean {
  if (graph.nodeKind[node] === NodeKind.Object && graph.nodeLabel(node) === NEWER_GLOBAL) return true;
  for (let edge = graph.firstEdge[ROOT]!; edge < graph.firstEdge[ROOT + 1]!; edge++) if (graph.edgeTo[edge] === node && graph.edgeKind[edge] === EdgeKind.Shortcut) return true;
  return false;
}

/** What a node is called on a path. Text of strings is left out. */
export function pathLabel(graph: HeapGraph, node: NodeIndex): string {
  if (node === ROOT) return '(root)';
  const kind = graph.nodeKind[node]!;
  if (kind === NodeKind.String) return '(string)';
  if (kind === NodeKind.ConsString) return '(concatenated string)';
  if (kind === NodeKind.SlicedString) return '(sliced string)';
  if (kind === NodeKind.RegExp) return '(regexp)';
  const label = clipped(graph.nodeLabel(node), LABEL_LENGTH);
  if (label === NEWER_GLOBAL) return 'global';
  if (label !== '') return label;
  return kind === NodeKind.Closure ? '(anonymous)' : kind === NodeKind.Array ? '(array)' : '(unnamed)';
}

const IDENTIFIER = /^[\p{L}_$#][\p{L}\p{N}_$]*$/u;
/** An object with more properties is used as a table: their names are contents. */
const TABLE_PROPERTIES = 128;

/** A property's name, shortened where it is a key rather than a name. */
function propertyName({ graph, strings }: PathNames, edge: EdgeIndex, name: string): string {
  if (strings || name.startsWith('<symbol') || name.length <= KEY_START) return name;
  if (IDENTIFIER.test(name)) {
    const node = edgeSource(graph, edge);
    let count = 0;
    for (let other = graph.firstEdge[node]!; other < graph.firstEdge[node + 1]! && count <= TABLE_PROPERTIES; other++) if (graph.edgeKind[other] === EdgeKind.Property) count++;
    if (count <= TABLE_PROPERTIES || isGlobal(graph, node)) return name;
  }
  return clipped(name, KEY_START + 1);
}

/** The name of an edge as text. */
function edgeText(names: PathNames, edge: EdgeIndex): string {
  const { graph, strings } = names;
  const { kind, name } = graph.edgeLabel(edge);
  if (kind === EdgeKind.Property) return clipped(propertyName(names, edge, String(name)), LABEL_LENGTH);
  const key = strings ? undefined : KEY_NAME.exec(String(name))?.[1];
  if (key !== undefined) return `["${clipped(key, KEY_START + 1)}"]`;
  return kind === EdgeKind.Ephemeron ? 'value in a WeakMap' : clipped(String(name), LABEL_LENGTH);
}

/** Steps listed of one path; what is cut lies in its middle. */
const MAX_STEPS = 200;

/** Every node of a path but the root, down to the node that its last edge leads to; of very long paths the first and the last ones. */
export function pathSteps(names: PathNames, edges: readonly EdgeIndex[]): PathStep[] {
  const { graph } = names;
  const step = (node: NodeIndex, out: EdgeIndex | undefined): PathStep => {
    const row = names.functionOf(node);
    return { node, label: pathLabel(graph, node), edge: out === undefined ? undefined : edgeText(names, out), file: row?.script, line: row?.line };
  };
  const at = (place: number): PathStep => step(graph.edgeTo[edges[place]!]!, edges[place + 1]);
  const places = Array.from(edges.keys());
  if (places.length <= MAX_STEPS) return places.map(at);
  const half = MAX_STEPS / 2;
  return [...places.slice(0, half).map(at), ...places.slice(-half).map(at)];
}

/** The place of the closure through which a path came to a context. */
function closureBefore({ functionOf }: PathNames, nodes: readonly NodeIndex[], place: number): number | undefined {
  for (let back = 1; back <= CLOSURE_REACH && back <= place; back++) if (functionOf(nodes[place - back]!)?.script !== undefined) return place - back;
  return undefined;
}

/** Whether a context has none around it but the global one: the variables of a module, or of a script. */
function isOutermost(graph: HeapGraph, context: NodeIndex): boolean {
  for (let edge = graph.firstEdge[context]!; edge < graph.firstEdge[context + 1]!; edge++) {
    if (graph.edgeKind[edge] === EdgeKind.Internal && graph.edgeLabel(edge).name === 'previous') return graph.nodeLabel(graph.edgeTo[edge]!) === NATIVE_CONTEXT;
  }
  return false;
}

interface Start {
  /** Index of the node that the words start with. */
  readonly place: number;
  readonly words: readonly PathPiece[];
}

/** Where a person would start: the last module of the application on the path, else its last closure, else a module of Node's, else the global object, else the kind of root. */
function findStart(names: PathNames, nodes: readonly NodeIndex[], edges: readonly EdgeIndex[]): Start {
  const { graph } = names;
  let ofNode: Start | undefined;
  let ofClosure: Start | undefined;
  for (let place = nodes.length - 2; place > 0; place--) {
    const node = nodes[place]!;
    if (graph.edgeKind[edges[place]!] !== EdgeKind.Context || !isContext(graph, node)) continue;
    const closure = closureBefore(names, nodes, place);
    const script = closure === undefined ? undefined : names.functionOf(nodes[closure]!)?.script;
    if (closure === undefined || script === undefined) continue;
    if (!isOutermost(graph, node)) {
      if (!isNodeScript(script)) ofClosure ??= { place: closure, words: closureWords(names.functionOf(nodes[closure]!), graph.nodeLabel(nodes[closure]!)) };
      continue;
    }
    const start: Start = { place, words: ['module ', { name: fileName(script) }] };
    if (!isNodeScript(script)) return start;
    ofNode ??= start;
  }
  if (ofClosure !== undefined || ofNode !== undefined) return ofClosure ?? ofNode!;
  if (nodes.length > 1 && graph.edgeKind[edges[0]!] === EdgeKind.Shortcut) return { place: nodes.length > 2 && isGlobal(graph, nodes[2]!) ? 2 : 1, words: ['global'] };
  let place = 0;
  while (place + 1 < nodes.length && graph.nodeKind[nodes[place + 1]!] === NodeKind.Synthetic) place++;
  return { place, words: [{ name: place === 0 ? '(root)' : pathLabel(graph, nodes[place]!) }] };
}

const shownKey = (key: string, strings: boolean): PathPiece[] => ['["', { name: clipped(key, strings ? KEY_LENGTH : KEY_START + 1) }, '"]'];

/** A source may name the slots of a table by their keys: `["k42"]`, `[7]`, else `key`, `value`, `entry`. */
const KEY_NAME = /^\["(.*)"\]$/s;

/** `["171…"]`: the key of a Map's entry, as far as it may be shown; `[…]` where the key is no string. */
function keyWords({ graph, strings }: PathNames, table: NodeIndex, edgeName: string | number): PathPiece[] {
  const named = KEY_NAME.exec(String(edgeName))?.[1];
  if (named !== undefined) return shownKey(named.replace(/…$/, ''), strings);
  const slot = Number(edgeName);
  const layout = entryLayout(graph.nodeShallowSize[table]!);
  if (layout === undefined || layout.width < 3 || !(slot >= layout.first)) return ['[…]'];
  for (let edge = graph.firstEdge[table]!; edge < graph.firstEdge[table + 1]!; edge++) {
    const key = graph.edgeTo[edge]!;
    if (!isString(graph.nodeKind[key]!) || Number(graph.edgeLabel(edge).name) !== slot - 1) continue;
    return graph.nodeKind[key] === NodeKind.String ? shownKey(graph.nodeLabel(key), strings) : ['[…]'];
  }
  return ['[…]'];
}

/** `.name`, or `["odd name"]`. */
function propertyWords(name: string): PathPiece[] {
  return IDENTIFIER.test(name) ? ['.', { name }] : name.startsWith('<symbol') || name.startsWith('Symbol(') ? ['[', { name }, ']'] : ['["', { name }, '"]'];
}

/** The words of one closure: `closure onData (server.js:10:5)`. */
export function closureWords(row: FunctionRow | undefined, name: string): PathPiece[] {
  const words: PathPiece[] = name === '' || name === '(closure)' ? ['an anonymous closure'] : ['closure ', { name }];
  if (row?.script === undefined) return words;
  const place = [fileName(row.script), row.line, row.line === undefined ? undefined : row.column].filter((part) => part !== undefined).join(':');
  return [...words, ' (', { name: place }, ')'];
}

class Writer {
  readonly pieces: PathPiece[];
  readonly #names: PathNames;
  /** Whether the last words name the object at hand, so that a plain one needs none of its own. */
  #named = false;

  constructor(names: PathNames, start: readonly PathPiece[]) {
    this.#names = names;
    this.pieces = [...start];
  }

  #arrow(words: readonly PathPiece[]): void {
    this.pieces.push(ARROW, ...words);
  }

  /** Adds what one edge says. */
  step(node: NodeIndex, edge: EdgeIndex, place: number): void {
    const { graph, functionOf } = this.#names;
    const { kind, name } = graph.edgeLabel(edge);
    const isStart = place === 0;
    if (isStart && graph.nodeKind[node] === NodeKind.Synthetic) {
      if (kind === EdgeKind.Internal && Number.isNaN(Number(name))) this.#arrow([{ name: String(name) }]);
      return;
    }
    if (isContext(graph, node)) {
      // Contexts of V8's own functions have slots without a variable's name.
      if (kind === EdgeKind.Context && name !== 'extension' && Number.isNaN(Number(name))) {
        this.#arrow(isStart ? [{ name: String(name) }] : ['variable ', { name: String(name) }]);
        this.#named = true;
      }
      return;
    }
    if (isBetween(graph, node)) {
      if (isStart) this.#arrow([{ name: edgeText(this.#names, edge) }]);
      else if (graph.nodeKind[node] === NodeKind.Array) this.#slot(node, edge);
      return;
    }
    if (graph.nodeKind[node] === NodeKind.Closure) {
      if (!isStart) this.#arrow(closureWords(functionOf(node), graph.nodeLabel(node)));
    } else if (!isStart && !(this.#named && graph.nodeLabel(node) === 'Object' && (kind === EdgeKind.Property || kind === EdgeKind.Element))) {
      this.#arrow([{ name: pathLabel(graph, node) }]);
    }
    this.#named = kind === EdgeKind.Property || kind === EdgeKind.Element;
    if (kind === EdgeKind.Property) this.pieces.push(...propertyWords(propertyName(this.#names, edge, String(name))));
    else if (kind === EdgeKind.Element) this.pieces.push(`[${name}]`);
    else if (kind === EdgeKind.Ephemeron) this.#arrow(['value in a WeakMap']);
  }

  #slot(node: NodeIndex, edge: EdgeIndex): void {
    const { kind, name } = this.#names.graph.edgeLabel(edge);
    if (!this.#isTable || kind === EdgeKind.Weak) return;
    this.#arrow(keyWords(this.#names, node, name));
    this.#named = false;
  }

  #isTable = false;

  /** Told which edge led to the node of the next step. */
  enter(edge: EdgeIndex): void {
    const { kind, name } = this.#names.graph.edgeLabel(edge);
    this.#isTable = kind === EdgeKind.Internal && name === 'table';
  }

  end(node: NodeIndex): void {
    const { graph, functionOf } = this.#names;
    if (isContext(graph, node) || isBetween(graph, node)) return;
    if (graph.nodeKind[node] === NodeKind.Closure) this.#arrow(closureWords(functionOf(node), graph.nodeLabel(node)));
    else this.#arrow([{ name: pathLabel(graph, node) }]);
  }
}

/** A path in words, from where a person would start down to the node that its last edge leads to. */
export function pathWords(names: PathNames, edges: readonly EdgeIndex[]): PathPiece[] {
  if (edges.length === 0) return [];
  const { graph } = names;
  const nodes = [edgeSource(graph, edges[0]!), ...edges.map((edge) => graph.edgeTo[edge]!)];
  const start = findStart(names, nodes, edges);
  const writer = new Writer(names, start.words);
  for (let place = start.place; place < edges.length; place++) {
    if (place > 0) writer.enter(edges[place - 1]!);
    writer.step(nodes[place]!, edges[place]!, place - start.place);
  }
  writer.end(nodes.at(-1)!);
  return writer.pieces;
}
