/** Opens a source of a heap. */
import { UnsupportedError } from '../errors.ts';
import { formatAddress } from '../bytes/address.ts';
import type { HeapCensus } from '../graph/census.ts';
import { type Target, openTarget } from '../target/target.ts';
import { extractGraph } from '../v8/extract-graph.ts';
import { type CensusResult, takeCensus } from '../v8/heap-census.ts';
import { previewValue } from '../v8/preview.ts';
import { SpareWorkers } from '../v8/engine-pool.ts';
import { type HeapPlan, planHeap } from '../v8/read-heap.ts';
import { memoryRows } from './memory-map.ts';
import { tryOpenSnapshot } from './open-snapshot.ts';
import { makeSourceGraph } from './source-graph.ts';
import type { HeapSource, LayoutFacts, SourceFacts, SourceGraph, WorkOptions } from './source.ts';

export interface OpenSourceOptions {
  /** The node binary that the process ran. */
  readonly binary?: string;
  /** A folder below which files that the core names are looked for. */
  readonly sysroot?: string;
  /** Go on with a binary of another build. */
  readonly force?: boolean;
  /** Workers that were started in advance. */
  readonly spare?: SpareWorkers;
}

/** Options of node that take their value as the next argument. */
const WITH_VALUE = new Set(['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions', '-e', '--eval', '-p', '--print', '--title']);

/** The flags for Node and V8 among the arguments, before the script, and those in NODE_OPTIONS. */
export function runtimeFlags(argv: readonly string[], environment: readonly string[]): string[] {
  const flags: string[] = [];
  for (let i = 1; i < argv.length; i++) {
    const argument = argv[i];
    if (argument === undefined || !argument.startsWith('-') || argument === '--') break;
    flags.push(argument);
    const value = argv[i + 1];
    if (WITH_VALUE.has(argument) && value !== undefined) {
      flags.push(value);
      i++;
    }
  }
  const PREFIX = 'NODE_OPTIONS=';
  const options = environment.find((variable) => variable.startsWith(PREFIX));
  if (options !== undefined) flags.push(...options.slice(PREFIX.length).split(/\s+/).filter((flag) => flag !== ''));
  return flags;
}

/** The old-space limit that flags set, in bytes; the default depends on the machine's memory, which a core does not tell. */
export function heapLimitOf(flags: readonly string[]): number | undefined {
  let limit: number | undefined;
  for (const flag of flags) {
    const megabytes = /^--max[-_]old[-_]space[-_]size=(\d+)$/.exec(flag)?.[1];
    if (megabytes !== undefined) limit = Number(megabytes) * 2 ** 20;
  }
  return limit;
}

const ARCHITECTURE = 'x64';

function factsOf(target: Target, plan: HeapPlan): SourceFacts {
  const flags = runtimeFlags(target.argv, target.environment);
  const { executable } = target;
  const warnings = [...target.warnings];
  if (!plan.layout.exact) warnings.push(`V8 ${plan.v8Version ?? 'of unknown version'}: no table for it, the nearest one (${plan.layout.table}) is used`);
  return {
    path: target.path,
    kind: 'core',
    writer: target.writer,
    bytes: target.fileBytes,
    takenAt: target.takenAt,
    process: { pid: target.pid, command: target.command, argv: target.argv, signal: target.signal, threads: target.threads.length },
    runtime: {
      node: plan.nodeVersion === undefined ? 'unknown' : `v${plan.nodeVersion}`,
      v8: plan.v8Version ?? 'unknown',
      arch: ARCHITECTURE,
      flags,
      binary: { path: executable.path, buildId: executable.fileBuildId ?? executable.buildId, match: executable.match },
    },
    heapLimitBytes: heapLimitOf(flags),
    memory: memoryRows(target, plan),
    warnings,
  };
}

/** A layout whose checks hold for less than this share does not fit. */
const FITTING_SHARE = 0.9;

/** What of the layout came from where, and how it fits this heap; the walk's own checks are there once the census is. */
function layoutFacts(plan: HeapPlan, result: CensusResult | undefined): LayoutFacts {
  const { layout } = plan;
  const counts = { symbol: 0, canned: 0, derived: 0 };
  for (const constant of layout.constants) counts[constant.origin]++;
  const checks: LayoutFacts['checks'][number][] = [
    {
      what: 'page headers',
      passed: layout.constants.every((constant) => constant.name !== 'pageAreaStart' || constant.origin !== 'derived'),
      detail: `${plan.parts.pages.length} pages of ${plan.heaps.length} isolate(s), ${layout.constants.find((constant) => constant.name === 'pageAreaStart')?.note ?? ''}`,
    },
    {
      what: 'isolate',
      passed: plan.isolatesConfirmed,
      detail: plan.isolatesConfirmed ? `a thread's current isolate agrees with the pages' heap (${formatAddress(plan.heaps[0] ?? 0)})` : 'no thread names its isolate: roots may be incomplete',
    },
  ];
  if (result !== undefined) {
    const { coverage, objects, reachableObjects } = result.census;
    const share = coverage.skippedBytes / Math.max(1, coverage.walkedBytes);
    checks.push({ what: 'linear walk', passed: share <= 0.001, detail: `${objects} objects, ${coverage.skippedBytes} of ${coverage.walkedBytes} bytes did not parse` });
    const scripted = result.census.functions.filter((row) => row.script !== undefined);
    const placed = scripted.filter((row) => row.line !== undefined).length;
    checks.push({ what: 'functions', passed: placed >= scripted.length * FITTING_SHARE && placed > 0, detail: `${placed} of ${scripted.length} functions with a script have a place in it` });
    checks.push({ what: 'roots', passed: reachableObjects > objects / 100, detail: `${reachableObjects} of ${objects} objects are reachable` });
  }
  return { table: layout.table, exact: layout.exact, counts, constants: layout.constants, missing: layout.missing, checks };
}

class CoreSource implements HeapSource {
  readonly #facts: SourceFacts;
  readonly #target: Target;
  readonly #plan: HeapPlan;
  readonly #spare: SpareWorkers;
  #census: Promise<CensusResult> | undefined;
  #result: CensusResult | undefined;
  #graph: Promise<SourceGraph> | undefined;

  constructor(target: Target, plan: HeapPlan, spare: SpareWorkers) {
    this.#target = target;
    this.#plan = plan;
    this.#spare = spare;
    this.#facts = factsOf(target, plan);
  }

  /** The warnings say how well the layout fits once the census is there to tell. */
  get facts(): SourceFacts {
    const failed = this.#result === undefined ? [] : layoutFacts(this.#plan, this.#result).checks.filter((check) => !check.passed);
    if (failed.length === 0) return this.#facts;
    const fit = `the layout of V8 ${this.#plan.layout.table} fits this heap only in part: ${failed.map((check) => `${check.what}: ${check.detail}`).join('; ')}`;
    return { ...this.#facts, warnings: [...this.#facts.warnings, fit] };
  }

  get layout(): LayoutFacts {
    return layoutFacts(this.#plan, this.#result);
  }

  async census(options: WorkOptions = {}): Promise<HeapCensus> {
    return (await this.#count(options)).census;
  }

  async #count(options: WorkOptions): Promise<CensusResult> {
    this.#census ??= takeCensus(this.#plan, { ...options, spare: this.#spare, keepPool: true });
    try {
      return (this.#result = await this.#census);
    } catch (error) {
      this.#census = undefined;
      throw error;
    }
  }

  async graph(options: WorkOptions = {}): Promise<SourceGraph> {
    const counted = await this.#count(options);
    this.#graph ??= extractGraph(counted, options).then((record) => makeSourceGraph(record, counted.census));
    try {
      return await this.#graph;
    } catch (error) {
      this.#graph = undefined;
      throw error;
    }
  }

  preview(address: number, options: { readonly strings: boolean; readonly maxLength: number }): string {
    const view = this.#result?.heap.view ?? { memory: this.#target.memory, layout: this.#plan.layout };
    return previewValue(view, address, options);
  }

  close(): void {
    this.#result?.pool?.close();
    this.#spare.close();
    this.#target.close();
  }
}

/** The line for a core whose process cannot have been Node, with what the core says it was. */
function notNode(target: Target, why: string): UnsupportedError {
  const { executable } = target;
  const path = executable.namedPath ?? executable.path;
  const of = target.command === '' ? 'an unknown program' : `'${target.command}'${path === undefined ? '' : ` (${path})`}`;
  const error = new UnsupportedError(`${target.path}: a core of ${of}, which is not a Node.js process: ${why}`);
  error.hint = 'a core of Node needs the very node binary that the process ran: --binary NODE';
  return error;
}

function noBinary(target: Target): UnsupportedError {
  const { namedPath, buildId } = target.executable;
  const id = buildId === undefined ? '' : ` (build id ${buildId})`;
  const error = new UnsupportedError(`${target.path}: the executable that the core names, ${namedPath ?? 'whose name it does not hold'}${id}, is not at hand`);
  error.hint = 'give the node binary that the process ran with --binary NODE, or a folder that holds its files with --sysroot DIR';
  return error;
}

function planOf(target: Target): HeapPlan {
  if (target.executable.elf === undefined) throw noBinary(target);
  try {
    return planHeap(target);
  } catch (error) {
    throw error instanceof UnsupportedError ? notNode(target, error.message) : error;
  }
}

/**
 * Opens a core file or a heap snapshot: what it starts with tells which. Options are for cores alone.
 * @throws {UnsupportedError} when the file is no snapshot and no core of a Node process that can be read here, or its binary is not at hand
 * @throws {BinaryMismatchError} when the binary given is of another build
 * @throws {MalformedInputError} when the core's headers are cut off
 */
export function openSource(path: string, options: OpenSourceOptions = {}): Promise<HeapSource> {
  return new Promise((resolve) => {
    const snapshot = tryOpenSnapshot(path);
    if (snapshot !== undefined) {
      options.spare?.close();
      resolve(snapshot);
      return;
    }
    const target = openTarget(path, options);
    const spare = options.spare ?? new SpareWorkers(target.memory.savedBytes);
    try {
      resolve(new CoreSource(target, planOf(target), spare));
    } catch (error) {
      spare.close();
      target.close();
      throw error;
    }
  });
}
