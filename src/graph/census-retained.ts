/** The retained sizes of a census's rows: made of the dominators of the graph whose nodes the rows count. */
import type { HeapCensus } from './census.ts';
import type { Control } from './control.ts';
import { partOf } from './control.ts';
import type { DominatorTree } from './dominator-tree.ts';
import { computeDominatorTree } from './dominator-tree.ts';
import type { Dominators } from './dominators.ts';
import { computeDominators } from './dominators.ts';
import type { GraphColumns } from './heap-graph.ts';
import { computeGroupsRetained } from './retained.ts';

/** Stands for "in no group" inside columns of groups. */
const NO_GROUP = -1;

/** Which row of a census each node of a graph is counted in. */
export interface NodeRows {
  /** Shape rows are `nodeShape`. */
  readonly graph: GraphColumns;
  readonly shapeCount: number;
  /** The row of `census.constructors` of every row of `census.shapes`. */
  readonly constructorOfShape: Int32Array;
  readonly constructorCount: number;
  /** Nodes that are closures, and for each of them the row of `census.functions`. Parallel. */
  readonly closureNode: Int32Array;
  readonly closureFunction: Int32Array;
  readonly functionCount: number;
}

/** Dominators of a graph, and the retained bytes of each row of a census. All columns are shared. */
export interface RetainedColumns {
  readonly dominators: Dominators;
  readonly tree: DominatorTree;
  readonly ofShapes: Float64Array;
  readonly ofConstructors: Float64Array;
  readonly ofFunctions: Float64Array;
}

/** The constructor of every shape of a census, by their names. */
export function constructorsOfShapes(census: HeapCensus): Int32Array {
  const rows = new Map(census.constructors.map((row, at) => [row.name, at]));
  return Int32Array.from(census.shapes, (shape) => rows.get(shape.constructorName) ?? NO_GROUP);
}

/**
 * Works out dominators and retained sizes. Takes what `computeDominators` takes, and 4 bytes a node besides.
 * @throws {InterruptedError} when `control` says so
 */
export function computeRetained(rows: NodeRows, control?: Control): RetainedColumns {
  const { graph, shapeCount, constructorOfShape, constructorCount, closureNode, closureFunction, functionCount } = rows;
  const dominators = computeDominators(graph, undefined, partOf(control, 0, 0.8));
  const tree = computeDominatorTree(dominators);
  const functionOf = new Int32Array(graph.nodeCount).fill(NO_GROUP);
  for (let at = 0; at < closureNode.length; at++) functionOf[closureNode[at]!] = closureFunction[at]!;
  const groupings = [
    { rowOf: graph.nodeShape, groupCount: shapeCount },
    { rowOf: graph.nodeShape, groupOfRow: constructorOfShape, groupCount: constructorCount },
    { rowOf: functionOf, groupCount: functionCount },
  ] as const;
  const [ofShapes, ofConstructors, ofFunctions] = computeGroupsRetained(tree, dominators, groupings, partOf(control, 0.8, 1));
  return { dominators, tree, ofShapes, ofConstructors, ofFunctions };
}

/** The same census with retained sizes. */
export function addRetained(census: HeapCensus, { ofShapes, ofConstructors, ofFunctions }: Omit<RetainedColumns, 'dominators' | 'tree'>): HeapCensus {
  const withSizes = <T extends object>(rows: readonly T[], sizes: Float64Array): (T & { readonly retainedBytes: number | undefined })[] =>
    rows.map((row, at) => ({ ...row, retainedBytes: sizes[at] }));
  return {
    ...census,
    shapes: withSizes(census.shapes, ofShapes),
    constructors: withSizes(census.constructors, ofConstructors),
    functions: withSizes(census.functions, ofFunctions),
  };
}
