/** The object graph of any source, with what follows from it worked out on demand. */
import { InterruptedError } from '../errors.ts';
import type { FunctionRow, HeapCensus } from '../graph/census.ts';
import { addRetained, constructorsOfShapes } from '../graph/census-retained.ts';
import type { GraphColumns, HeapGraph, NodeIndex } from '../graph/heap-graph.ts';
import type { PathTree } from '../graph/path-tree.ts';
import type { PathView } from '../graph/paths.ts';
import type { GraphAnswers, GraphTask } from './graph-work.ts';
import { doGraphTask } from './graph-work.ts';
import type { RetainedSizes, SourceGraph, WorkOptions } from './source.ts';
import { runTask } from './worker-task.ts';

/** All that a kind of source has to bring for its object graph. */
export interface GraphRecord {
  /** `nodeShape` holds rows of the census's `shapes`; all columns are shared. */
  readonly graph: HeapGraph;
  /** Nodes that are closures, rising, and for each of them the row of the census's `functions`. Parallel, shared. */
  readonly closureNode: Int32Array;
  readonly closureFunction: Int32Array;
  /** As in `SourceGraph`. */
  readonly places?: Int32Array | undefined;
  /** The node of a key, where the source has a better way than to look through all keys. */
  readonly findNode?: (key: number) => NodeIndex | undefined;
}

/** Smaller graphs are done with before a worker would have started. */
const WORKER_EDGES = 400_000;

const PHASES: Readonly<Record<GraphTask['kind'], string>> = { retained: 'retained sizes', 'path-tree': 'holders', paths: 'retainers' };

/** The columns alone: the functions of a graph cannot be sent to a thread. */
function columnsOf(graph: GraphColumns): GraphColumns {
  const { nodeCount, edgeCount, nodeKind, nodeName, nodeShape, nodeShallowSize, nodeKey, keyKind, firstEdge, edgeTo, edgeKind } = graph;
  return { nodeCount, edgeCount, nodeKind, nodeName, nodeShape, nodeShallowSize, nodeKey, keyKind, firstEdge, edgeTo, edgeKind };
}

/** Remembers the answer of some work; a failure is forgotten, so that the next call tries again. */
class Once<T> {
  #answer: Promise<T> | undefined;

  get(work: () => Promise<T>): Promise<T> {
    this.#answer ??= work().catch((error: unknown) => {
      this.#answer = undefined;
      throw error;
    });
    return this.#answer;
  }
}

class ObjectGraph implements SourceGraph {
  readonly graph: HeapGraph;
  readonly places: Int32Array | undefined;
  readonly #record: GraphRecord;
  readonly #census: HeapCensus;
  readonly #workerFrom: number;
  readonly #retained = new Once<RetainedSizes>();
  readonly #pathTree = new Once<PathTree>();
  readonly #paths = new Once<PathView>();

  constructor(record: GraphRecord, census: HeapCensus, workerFrom: number) {
    this.graph = record.graph;
    this.places = record.places;
    this.#record = record;
    this.#census = census;
    this.#workerFrom = workerFrom;
  }

  functionOf(node: NodeIndex): FunctionRow | undefined {
    return this.#census.functions[this.functionRow(node)];
  }

  functionRow(node: NodeIndex): number {
    const { closureNode, closureFunction } = this.#record;
    let low = 0;
    let high = closureNode.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (closureNode[middle]! < node) low = middle + 1;
      else high = middle;
    }
    return closureNode[low] === node ? closureFunction[low]! : -1;
  }

  findNode(key: number): NodeIndex | undefined {
    if (this.#record.findNode !== undefined) return this.#record.findNode(key);
    const node = this.graph.nodeKey.indexOf(key);
    return node < 0 ? undefined : node;
  }

  retained(options: WorkOptions = {}): Promise<RetainedSizes> {
    return this.#retained.get(async () => {
      const census = this.#census;
      const { closureNode, closureFunction } = this.#record;
      const rows = {
        graph: columnsOf(this.graph),
        shapeCount: census.shapes.length,
        constructorOfShape: constructorsOfShapes(census),
        constructorCount: census.constructors.length,
        closureNode,
        closureFunction,
        functionCount: census.functions.length,
      };
      const answer = await this.#do('retained', { kind: 'retained', rows }, options);
      return { dominators: answer.dominators, tree: answer.tree, census: addRetained(census, answer) };
    });
  }

  pathTree(options: WorkOptions = {}): Promise<PathTree> {
    return this.#pathTree.get(() => this.#do('path-tree', { kind: 'path-tree', graph: columnsOf(this.graph) }, options));
  }

  paths(options: WorkOptions = {}): Promise<PathView> {
    return this.#paths.get(() => this.#do('paths', { kind: 'paths', graph: columnsOf(this.graph) }, options));
  }

  async #do<K extends GraphTask['kind']>(kind: K, task: GraphTask, options: WorkOptions): Promise<GraphAnswers[K]> {
    if (options.signal?.aborted) throw new InterruptedError();
    if (this.graph.edgeCount >= this.#workerFrom) return runTask<GraphAnswers[K]>('graph-worker', task, PHASES[kind], options);
    return Promise.resolve(doGraphTask(task, (share) => options.onProgress?.(PHASES[kind], share)) as GraphAnswers[K]);
  }
}

/**
 * Makes the graph of a source from what its kind brings.
 * @param workerFrom graphs of so many edges are worked on by a worker thread
 */
export function makeSourceGraph(record: GraphRecord, census: HeapCensus, workerFrom: number = WORKER_EDGES): SourceGraph {
  return new ObjectGraph(record, census, workerFrom);
}
