/** A heap with its object graph, built by hand: what ranking by who holds what is tried on. */
import type { HeldHeap } from '../../src/analysis/held-groups.ts';
import { HeapGraphBuilder } from '../../src/graph/builder.ts';
import { addRetained, computeRetained, constructorsOfShapes } from '../../src/graph/census-retained.ts';
import { takeGraphCensus } from '../../src/graph/graph-census.ts';
import type { HeapGraph, NamedColumns, NodeIndex } from '../../src/graph/heap-graph.ts';
import { EdgeKind, NodeKind } from '../../src/graph/heap-graph.ts';
import { computePathTree } from '../../src/graph/path-tree.ts';

/** Adds nodes and edges; node 0 is the root, node 1 the global object. */
export class HeldBuilder {
  readonly #builder = new HeapGraphBuilder('snapshot-id');
  readonly #places: number[] = [];
  readonly global: NodeIndex;

  constructor() {
    const root = this.#builder.addNode({ kind: NodeKind.Synthetic, name: '', shallowSize: 0, key: 1 });
    this.global = this.#builder.addNode({ kind: NodeKind.Object, name: 'global', shallowSize: 32, key: 3 });
    this.#builder.addEdge(root, this.global, EdgeKind.Shortcut, 'global');
  }

  node(kind: NodeKind, name: string, shallowSize = 32): NodeIndex {
    return this.#builder.addNode({ kind, name, shallowSize });
  }

  /** An object of a class of the application. */
  object(className: string, shallowSize = 32): NodeIndex {
    const node = this.node(NodeKind.Object, className, shallowSize);
    if (className !== 'Array' && className !== 'Map') this.#places.push(node, 1, 9, 4);
    return node;
  }

  edge(from: NodeIndex, to: NodeIndex, kind: EdgeKind, name: string | number): void {
    this.#builder.addEdge(from, to, kind, name);
  }

  property(from: NodeIndex, name: string, to: NodeIndex): void {
    this.edge(from, to, EdgeKind.Property, name);
  }

  /** An array with these elements, and `spare` places more in its store. */
  array(elements: readonly NodeIndex[], spare: number): NodeIndex {
    const array = this.node(NodeKind.Object, 'Array');
    const store = this.node(NodeKind.Array, '', 16 + 8 * (elements.length + spare));
    this.edge(array, store, EdgeKind.Internal, 'elements');
    for (const [at, element] of elements.entries()) this.edge(array, element, EdgeKind.Element, at);
    return array;
  }

  /** A closure of a function of the application, with its context and the variables in it; `outer` is the context around. */
  closure(name: string, variables: Readonly<Record<string, NodeIndex>>, outer?: NodeIndex): { readonly closure: NodeIndex; readonly context: NodeIndex } {
    const closure = this.node(NodeKind.Closure, name);
    const shared = this.node(NodeKind.Code, name);
    const script = this.node(NodeKind.Code, '/srv/app/server.js');
    const context = this.node(NodeKind.Object, 'system / Context');
    this.edge(closure, shared, EdgeKind.Internal, 'shared');
    this.edge(shared, script, EdgeKind.Internal, 'script');
    this.edge(closure, context, EdgeKind.Internal, 'context');
    this.edge(context, outer ?? this.node(NodeKind.Hidden, 'system / NativeContext'), EdgeKind.Internal, 'previous');
    for (const [variable, to] of Object.entries(variables)) this.edge(context, to, EdgeKind.Context, variable);
    this.#places.push(closure, 1, 9, 4);
    return { closure, context };
  }

  finish(): HeldHeap {
    const named: HeapGraph & NamedColumns = { edgeName: new Int32Array(0), ...this.#builder.finish() };
    const { census: counted, nodeShape, closureNode, closureFunction } = takeGraphCensus({ graph: named, strings: named.strings, places: Int32Array.from(this.#places) });
    const graph = { ...named, nodeShape };
    const retained = computeRetained({
      graph,
      shapeCount: counted.shapes.length,
      constructorOfShape: constructorsOfShapes(counted),
      constructorCount: counted.constructors.length,
      closureNode,
      closureFunction,
      functionCount: counted.functions.length,
    });
    const functionRow = (node: NodeIndex): number => closureFunction[closureNode.indexOf(node)] ?? -1;
    const census = addRetained(counted, retained);
    const { dominators, tree } = retained;
    return { census, graph, dominators, tree, pathTree: computePathTree(graph), functionRow, functionOf: (node) => census.functions[functionRow(node)] };
  }
}
