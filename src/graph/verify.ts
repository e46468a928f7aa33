/** Whether the columns of a graph hold together: what every computation on a graph takes for granted. */
import { computeDistances, computeEdgeSet, NO_DISTANCE } from './distances.ts';
import type { GraphColumns } from './heap-graph.ts';
import { EDGE_KIND_COUNT, NO_SHAPE, NODE_KIND_COUNT } from './heap-graph.ts';

/**
 * What can be wrong with a graph.
 * - `column-length`: a column is not as long as the counts say; rows are the numbers of the columns, in the order of `GraphColumns`
 * - `first-edge`: `firstEdge` does not start at 0, falls, or does not end at the number of edges; rows are nodes
 * - `edge-target`: an edge leads to no node; rows are edges
 * - `node-kind`, `edge-kind`: a number that names no kind; rows are nodes or edges
 * - `shallow-size`: negative, or not a number; rows are nodes
 * - `shape`: below `NO_SHAPE`; rows are nodes
 * - `root`: there is no root
 * - `unreachable`: only weak edges, or none, lead to a node; rows are nodes. True of many a sound graph.
 */
export type GraphProblemKind = 'column-length' | 'first-edge' | 'edge-target' | 'node-kind' | 'edge-kind' | 'shallow-size' | 'shape' | 'root' | 'unreachable';

/** One kind of problem, with its true total and the first rows that have it. */
export interface GraphProblem {
  readonly kind: GraphProblemKind;
  readonly count: number;
  readonly rows: readonly number[];
}

/** Most rows that one problem lists. */
const PROBLEM_ROWS_CAP = 20;

class ProblemList {
  readonly #problems = new Map<GraphProblemKind, { count: number; rows: number[] }>();

  add(kind: GraphProblemKind, row: number): void {
    const problem = this.#problems.get(kind) ?? { count: 0, rows: [] };
    problem.count++;
    if (problem.rows.length < PROBLEM_ROWS_CAP) problem.rows.push(row);
    this.#problems.set(kind, problem);
  }

  hasAny(): boolean {
    return this.#problems.size > 0;
  }

  list(): GraphProblem[] {
    return Array.from(this.#problems, ([kind, { count, rows }]) => ({ kind, count, rows }));
  }
}

/** Lists what is wrong with a graph, with true totals and the first rows of each kind. An empty list, or `unreachable` alone, means that every computation may be run. */
export function verifyGraph(graph: GraphColumns): GraphProblem[] {
  const { nodeCount, edgeCount, nodeKind, nodeName, nodeShape, nodeShallowSize, nodeKey, firstEdge, edgeTo, edgeKind } = graph;
  const problems = new ProblemList();
  const nodeColumns = [nodeKind, nodeName, nodeShape, nodeShallowSize, nodeKey];
  nodeColumns.forEach((column, at) => {
    if (column.length !== nodeCount) problems.add('column-length', at);
  });
  if (firstEdge.length !== nodeCount + 1) problems.add('column-length', nodeColumns.length);
  if (edgeTo.length !== edgeCount) problems.add('column-length', nodeColumns.length + 1);
  if (edgeKind.length !== edgeCount) problems.add('column-length', nodeColumns.length + 2);
  if (problems.hasAny()) return problems.list();

  if (nodeCount === 0) problems.add('root', 0);
  if (firstEdge[0] !== 0) problems.add('first-edge', 0);
  for (let node = 0; node < nodeCount; node++) {
    if (firstEdge[node + 1]! < firstEdge[node]! || firstEdge[node + 1]! > edgeCount) problems.add('first-edge', node);
    if (nodeKind[node]! >= NODE_KIND_COUNT) problems.add('node-kind', node);
    if (!(nodeShallowSize[node]! >= 0)) problems.add('shallow-size', node);
    if (nodeShape[node]! < NO_SHAPE) problems.add('shape', node);
  }
  if (firstEdge[nodeCount] !== edgeCount) problems.add('first-edge', nodeCount);
  for (let edge = 0; edge < edgeCount; edge++) {
    if (edgeTo[edge]! < 0 || edgeTo[edge]! >= nodeCount) problems.add('edge-target', edge);
    if (edgeKind[edge]! >= EDGE_KIND_COUNT) problems.add('edge-kind', edge);
  }
  if (problems.hasAny()) return problems.list();

  const { distance } = computeDistances(graph, computeEdgeSet(graph, 'not-weak'));
  for (let node = 0; node < nodeCount; node++) if (distance[node] === NO_DISTANCE) problems.add('unreachable', node);
  return problems.list();
}
