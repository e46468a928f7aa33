/** `report`: what is in the heaps of one or more sources, and what looks wrong in the last of them. */
import { setImmediate } from 'node:timers/promises';
import type { Accumulation } from '../analysis/accumulations.ts';
import { accumulationSteps } from '../analysis/accumulations.ts';
import type { HeldHeap } from '../analysis/held-groups.ts';
import { rankSuspects } from '../analysis/suspects.ts';
import type { Suspect } from '../analysis/suspect.ts';
import { judge } from '../analysis/verdict.ts';
import { InterruptedError, UnsupportedError } from '../errors.ts';
import type { HeapCensus } from '../graph/census.ts';
import type { ReportResult, SourceResult, SuspectResult } from '../result.ts';
import type { HeapSource, SourceGraph, WorkOptions } from '../session/source.ts';

/** What a report is asked for. */
export interface ReportOptions extends WorkOptions {
  /** Version of coreleak, for the result's `generator`. */
  readonly version: string;
  /** Cuts every list to so many rows; `undefined` cuts nothing. */
  readonly top: number | undefined;
  /** Puts string contents into the example lines. */
  readonly strings: boolean;
  /** False leaves out the object graph: counts and reachability alone, and no retained sizes, holders and paths. */
  readonly retained?: boolean;
}

/** Opens the next source of a report; sources are opened one after another, so that two large heaps are never held at once. */
export type OpenNext = () => Promise<HeapSource>;

/** Longest example line in characters. */
const EXAMPLE_LENGTH = 120;
/** Suspects that get an example line: more are not read on a screen. */
const EXAMPLES = 50;

function sourceResult({ facts }: HeapSource, census: HeapCensus): SourceResult {
  return {
    path: facts.path,
    kind: facts.kind,
    writer: facts.writer,
    bytes: facts.bytes,
    takenAt: facts.takenAt,
    process: facts.process,
    runtime: facts.runtime,
    coverage: census.coverage,
    heap: {
      objects: census.objects,
      bytes: census.bytes,
      reachableObjects: census.reachableObjects,
      reachableBytes: census.reachableBytes,
      externalBytes: census.externalBytes,
      limitBytes: facts.heapLimitBytes,
      isolates: census.isolates,
      spaces: census.spaces,
    },
    memory: facts.memory,
    warnings: facts.warnings,
  };
}

function suspectResult(suspect: Suspect, rank: number, source: HeapSource, strings: boolean): SuspectResult {
  const example =
    suspect.representative === undefined || rank > EXAMPLES ? undefined : source.preview(suspect.representative, { strings, maxLength: EXAMPLE_LENGTH });
  const reasons = suspect.reasons.map(({ code, value, threshold, text, doubt = 0 }) => ({ code, value, threshold, text, against: doubt > 0 }));
  return { ...suspect, rank, reasons, example };
}

/** The object graph of a source, made ready for ranking; `undefined` where it is not wanted or the source has none. */
async function heldHeap(source: HeapSource, options: ReportOptions): Promise<HeldHeap | undefined> {
  if (options.retained === false) return undefined;
  let graph: SourceGraph;
  try {
    graph = await source.graph(options);
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
  // Two threads at once; the first tells how far both are.
  const [{ census, dominators, tree }, pathTree] = await Promise.all([graph.retained(options), graph.pathTree(options.signal === undefined ? {} : { signal: options.signal })]);
  return { census, graph: graph.graph, dominators, tree, pathTree, functionOf: (node) => graph.functionOf(node), functionRow: (node) => graph.functionRow(node) };
}

/** Longest that the thread works without a look at what else has happened, in milliseconds. */
const UNINTERRUPTED_MS = 40;

/** Looks for accumulations, with pauses in which an interrupt is seen. */
async function accumulationsOf(heap: HeldHeap | undefined, options: ReportOptions): Promise<readonly Accumulation[] | undefined> {
  if (heap === undefined) return undefined;
  const steps = accumulationSteps(heap);
  for (let since = performance.now(); ;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - since < UNINTERRUPTED_MS) continue;
    await setImmediate();
    if (options.signal?.aborted) throw new InterruptedError();
    since = performance.now();
  }
}

/** Largest retained first, where that is known; ids stay those of the census. */
function byRetained<T extends { readonly retainedBytes: number | undefined }>(rows: readonly T[]): readonly T[] {
  return rows.some((row) => row.retainedBytes !== undefined) ? rows.toSorted((a, b) => (b.retainedBytes ?? 0) - (a.retainedBytes ?? 0)) : rows;
}

/** Names the option that cut one of the lists. */
function truncation(top: number | undefined, sizes: readonly number[]): string | undefined {
  return top !== undefined && sizes.some((size) => size > top) ? `--top ${top}` : undefined;
}

/**
 * Reports on sources in the order given; shapes and suspects are those of the last one.
 *
 * Each source is closed before the next is opened, also when something throws.
 * @throws {InterruptedError} when `options.signal` is aborted
 */
export async function report(open: readonly OpenNext[], options: ReportOptions): Promise<ReportResult> {
  const sources: SourceResult[] = [];
  let last: Omit<ReportResult, 'sources'> | undefined;
  for (const [at, openNext] of open.entries()) {
    if (options.signal?.aborted) throw new InterruptedError();
    const source = await openNext();
    try {
      const census = await source.census(options);
      sources.push(sourceResult(source, census));
      if (at < open.length - 1) continue;
      const heap = await heldHeap(source, options);
      last = findings(source, census, heap, await accumulationsOf(heap, options), options);
    } finally {
      source.close();
    }
  }
  if (last === undefined) throw new UnsupportedError('a report needs a source');
  return { ...last, sources };
}

function findings(
  source: HeapSource,
  counted: HeapCensus,
  heap: HeldHeap | undefined,
  accumulations: readonly Accumulation[] | undefined,
  options: ReportOptions,
): Omit<ReportResult, 'sources'> {
  const suspects = rankSuspects(counted, { heap, accumulations, strings: options.strings });
  const census = heap?.census ?? counted;
  const { facts } = source;
  const totals = { shapes: census.shapes.length, constructors: census.constructors.length, functions: census.functions.length, suspects: suspects.length };
  const { top } = options;
  const countOf = (confidence: Suspect['confidence']): number => suspects.filter((suspect) => suspect.confidence === confidence).length;
  return {
    generator: { name: 'coreleak', version: options.version },
    verdict: judge(census, suspects, {
      heapLimitBytes: facts.heapLimitBytes,
      flags: facts.runtime.flags,
      signal: facts.process.signal,
      showsGarbage: facts.kind === 'core',
    }),
    shapes: byRetained(census.shapes).slice(0, top),
    constructors: byRetained(census.constructors).slice(0, top),
    functions: census.functions.slice(0, top),
    suspects: suspects.slice(0, top).map((suspect, at) => suspectResult(suspect, at + 1, source, options.strings)),
    totals,
    confidences: { high: countOf('high'), medium: countOf('medium'), low: countOf('low') },
    truncatedBy: truncation(top, Object.values(totals)),
  };
}
