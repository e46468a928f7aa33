/** What every source of a heap answers, whatever it is. Views ask the facts, never the class. */
import type { FunctionRow, HeapCensus } from '../graph/census.ts';
import type { DominatorTree } from '../graph/dominator-tree.ts';
import type { Dominators } from '../graph/dominators.ts';
import type { HeapGraph, NodeIndex } from '../graph/heap-graph.ts';
import type { PathTree } from '../graph/path-tree.ts';
import type { PathView } from '../graph/paths.ts';

export interface ProcessFacts {
  readonly pid: number;
  /** The executable's short name. */
  readonly command: string;
  readonly argv: readonly string[];
  /** `SIGABRT` and the like: what stopped the process; undefined when nothing did (a gcore of a running process). */
  readonly signal: string | undefined;
  readonly threads: number;
}

export interface RuntimeFacts {
  /** `v22.23.3`. */
  readonly node: string;
  /** `12.4.254.21-node.57`. */
  readonly v8: string;
  readonly arch: string;
  /** Flags for Node and V8, from the command line and NODE_OPTIONS. */
  readonly flags: readonly string[];
  readonly binary: { readonly path: string | undefined; readonly buildId: string | undefined; readonly match: 'build-id' | 'mismatch' | 'absent' };
}

/** Where the constants of the heap's layout came from, and how well they fit. */
export interface LayoutFacts {
  /** The V8 version of the table in use, such as `12.4`; `exact` says whether it is the target's own. */
  readonly table: string;
  readonly exact: boolean;
  readonly counts: { readonly symbol: number; readonly canned: number; readonly derived: number };
  readonly constants: readonly { readonly name: string; readonly value: number; readonly origin: 'symbol' | 'canned' | 'derived'; readonly note: string }[];
  /** Constants that no source gave, and what is lost by each. */
  readonly missing: readonly { readonly name: string; readonly disables: string }[];
  /** Checks of the layout against the heap itself. */
  readonly checks: readonly { readonly what: string; readonly passed: boolean; readonly detail: string }[];
}

export interface SourceFacts {
  readonly path: string;
  readonly kind: 'core' | 'heapsnapshot';
  /** Who wrote the core, as far as its notes tell. */
  readonly writer: 'kernel' | 'gcore' | undefined;
  /** Size of the file in bytes. */
  readonly bytes: number;
  readonly takenAt: Date | undefined;
  readonly process: ProcessFacts;
  readonly runtime: RuntimeFacts;
  /** The heap limits in bytes as the isolate holds them; undefined when they cannot be told. */
  readonly heapLimitBytes: number | undefined;
  /** Bytes the file holds by what they are; they add up to all the memory it holds. */
  readonly memory: readonly { readonly what: string; readonly bytes: number }[];
  readonly warnings: readonly string[];
}

/** Called during long work: the phase's name and its share done in [0, 1]. */
type OnProgress = (phase: string, share: number) => void;

export interface WorkOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

/** Who keeps whom alive, and how much that is. */
export interface RetainedSizes {
  readonly dominators: Dominators;
  readonly tree: DominatorTree;
  /** The source's census with `retainedBytes` of shapes, constructors and functions filled in; rows and their order are the same. */
  readonly census: HeapCensus;
}

/** The object graph of a source. What follows from it is worked out when it is asked for, in worker threads, and once. */
export interface SourceGraph {
  /** `nodeShape` holds rows of the census's `shapes`; the keys are tagged addresses for a core, ids for a snapshot. */
  readonly graph: HeapGraph;
  /** Where a snapshot says that functions and constructors are, as it says it: node, script id, line and column from 0, four numbers a place. */
  readonly places?: Int32Array | undefined;
  /** The definition of a closure: its name, script, line and column; `undefined` for what is no closure, or whose function could not be read. */
  functionOf(node: NodeIndex): FunctionRow | undefined;
  /** The same as a row of the census's `functions`, or -1. */
  functionRow(node: NodeIndex): number;
  /** The node of a key, which is what addresses of the census are; `undefined` when there is none. */
  findNode(key: number): NodeIndex | undefined;
  /** @throws {InterruptedError} when `options.signal` is aborted */
  retained(options?: WorkOptions): Promise<RetainedSizes>;
  /**
   * One retaining path of every node, the one that is easiest to follow: cheaper than `paths` in time and memory.
   * @throws {InterruptedError} when `options.signal` is aborted
   */
  pathTree(options?: WorkOptions): Promise<PathTree>;
  /**
   * What looking for retaining paths needs; weak edges are off.
   * @throws {InterruptedError} when `options.signal` is aborted
   */
  paths(options?: WorkOptions): Promise<PathView>;
}

export interface HeapSource {
  readonly facts: SourceFacts;
  readonly layout: LayoutFacts | undefined;
  /** Counts the heap; the second call returns the first one's answer. */
  census(options?: WorkOptions): Promise<HeapCensus>;
  /**
   * The object graph; the second call returns the first one's answer. Takes the census first, if nobody has.
   * @throws {UnsupportedError} when the source has none to give
   * @throws {InterruptedError} when `options.signal` is aborted
   */
  graph(options?: WorkOptions): Promise<SourceGraph>;
  /**
   * One line about the value at a tagged address: `{ text: "…9 chars", at: 1.71e12, detail: {…6} }`.
   * String contents are left out unless `strings` is set. Never throws for a damaged object: it says so in the line.
   */
  preview(address: number, options: { readonly strings: boolean; readonly maxLength: number }): string;
  close(): void;
}
