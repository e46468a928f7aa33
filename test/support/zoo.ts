/** The leak zoo: what its programs say that they leak, what V8's own snapshot says of that, and what the reports of their cores and snapshots say. */
import { rmSync } from 'node:fs';
import { describe } from 'vitest';
import { makeCore, manifest } from '../../cores/make.ts';
import type { Facts, NodeChoice } from '../../cores/make.ts';
import { openFileSource } from '../../src/bytes/byte-source.ts';
import { EdgeKind, isNumbered, NodeKind } from '../../src/graph/heap-graph.ts';
import type { NamedColumns, StringTable } from '../../src/graph/heap-graph.ts';
import { parseSnapshot } from '../../src/snapshot/parse.ts';
import { stringTable } from '../../src/snapshot/strings.ts';
import { nodesUnderTest, prepare, targetsOf, titleOf } from './real-cores.ts';
import type { Target } from './real-cores.ts';
import type { Report, ReportSuspect } from './report.ts';
import { runReport } from './run-coreleak.ts';

/** What a program of the zoo plants, as its facts say it. One of `className`, `functionName` and `type` is there. */
export interface Leak {
  readonly className?: string;
  readonly functionName?: string;
  /** What is planted, where it has no name of its own. */
  readonly type?: 'plain object' | 'sliced string' | 'symbol' | 'compiled function';
  /** Own properties that tell a planted plain object from all others. */
  readonly properties?: readonly string[];
  /** Other words by which the same leak may be told: what comes one with each, or what it is made of. */
  readonly also?: readonly string[];
  readonly count: number;
  /** The variable, property or class that holds them all; several, where each holds some of them. */
  readonly holder: string | readonly string[];
  /** Names of edges and of nodes without which nothing holds them; the holder, if they are not said. */
  readonly cut?: readonly string[];
  /** Kinds of suspect that are a true answer. */
  readonly kinds: readonly string[];
  /** Least share of the heap that goes with them. */
  readonly share: number;
  /** The same in V8's snapshot, where that has other roots. */
  readonly snapshotShare?: number;
}

/** What V8's snapshot says of a leak. */
interface Held {
  /** Planted things that can be reached. */
  readonly planted: number;
  /** Those that can still be reached when the holder is left out. */
  readonly leftOver: number;
  /** Share of the reachable bytes that can not. */
  readonly share: number;
  /** Reachable objects by class name. */
  readonly counts: ReadonlyMap<string, number>;
}

/** One program's heap, told by all who can tell. */
export interface Specimen {
  readonly facts: Facts;
  readonly core: Report;
  /** Undefined where the program writes no snapshot. */
  readonly snapshot: Report | undefined;
  readonly held: Held | undefined;
}

interface Reached {
  readonly seen: Uint8Array;
  readonly bytes: number;
}

/** Everything that strong edges reach; neither edges nor nodes of the names in `cut` are entered. */
function reachWithout(graph: NamedColumns, strings: StringTable, cut: readonly string[]): Reached {
  const isCut = new Uint8Array(strings.length);
  for (let row = 0; row < strings.length; row++) if (cut.includes(strings.at(row))) isCut[row] = 1;
  const seen = new Uint8Array(graph.nodeCount);
  seen[0] = 1;
  const open = [0];
  let bytes = 0;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    bytes += graph.nodeShallowSize[node]!;
    for (let edge = graph.firstEdge[node]!; edge < graph.firstEdge[node + 1]!; edge++) {
      const kind = graph.edgeKind[edge]! as EdgeKind;
      const to = graph.edgeTo[edge]!;
      if (seen[to] === 1 || kind === EdgeKind.Weak || kind === EdgeKind.EphemeronTable) continue;
      if (isCut[graph.nodeName[to]!] === 1 || (!isNumbered(kind) && isCut[graph.edgeName[edge]!] === 1)) continue;
      seen[to] = 1;
      open.push(to);
    }
  }
  return { seen, bytes };
}

/** Whether a node is one of what is planted. Functions made by `new Function` are called "anonymous" by some versions and nothing by others. */
function plantedIn(graph: NamedColumns, strings: StringTable, leak: Leak): (node: number) => boolean {
  const nameOf = (node: number): string => strings.at(graph.nodeName[node]!);
  const isKind = (node: number, kind: NodeKind): boolean => graph.nodeKind[node] === kind;
  const { className, functionName, properties } = leak;
  if (className !== undefined) return (node) => isKind(node, NodeKind.Object) && nameOf(node) === className;
  if (functionName !== undefined) return (node) => isKind(node, NodeKind.Closure) && nameOf(node) === functionName;
  if (leak.type === 'symbol') return (node) => isKind(node, NodeKind.Symbol);
  if (leak.type === 'sliced string') return (node) => isKind(node, NodeKind.SlicedString);
  if (leak.type === 'compiled function') return (node) => isKind(node, NodeKind.Closure) && ['', 'anonymous'].includes(nameOf(node));
  if (properties === undefined) throw new Error('the facts do not say what is planted');
  return (node) => {
    if (!isKind(node, NodeKind.Object)) return false;
    const own = new Set<string>();
    for (let edge = graph.firstEdge[node]!; edge < graph.firstEdge[node + 1]!; edge++) if (graph.edgeKind[edge] === EdgeKind.Property) own.add(strings.at(graph.edgeName[edge]!));
    // Small integers are no nodes, so properties that hold them are not there.
    return properties.filter((property) => own.has(property)).length >= properties.length / 2 && nameOf(node).startsWith('Object');
  };
}

function measureHeld(path: string, leak: Leak | undefined): Held {
  const source = openFileSource(path);
  try {
    const { graph, strings: columns } = parseSnapshot(source);
    const strings = stringTable(columns);
    const all = reachWithout(graph, strings, []);
    const counts = new Map<string, number>();
    for (let node = 0; node < graph.nodeCount; node++) {
      if (all.seen[node] !== 1 || graph.nodeKind[node] !== NodeKind.Object) continue;
      const name = strings.at(graph.nodeName[node]!);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    if (leak === undefined) return { planted: 0, leftOver: 0, share: 0, counts };
    const without = reachWithout(graph, strings, leak.cut ?? [leak.holder].flat());
    const isPlanted = plantedIn(graph, strings, leak);
    let planted = 0;
    let leftOver = 0;
    for (let node = 0; node < graph.nodeCount; node++) {
      if (all.seen[node] !== 1 || !isPlanted(node)) continue;
      planted++;
      if (without.seen[node] === 1) leftOver++;
    }
    return { planted, leftOver, share: 1 - without.bytes / all.bytes, counts };
  } finally {
    source.close();
  }
}

export const leakOf = (facts: Facts): Leak => facts['leak'] as Leak;

/** Under CI nobody looks at a core again, and a core is large after the program wrote its snapshot: those of the matrix are 20 GB. */
const REMOVES_CORES = process.env['CI'] !== undefined;

async function examine(target: Target): Promise<Specimen> {
  const { directory, facts, core, binary, snapshot } = await makeCore(target);
  const specimen = {
    facts,
    core: await runReport(core, binary),
    snapshot: snapshot === undefined ? undefined : await runReport(snapshot),
    held: snapshot === undefined ? undefined : measureHeld(snapshot, facts['leak'] as Leak | undefined),
  };
  if (REMOVES_CORES) rmSync(directory, { recursive: true });
  return specimen;
}

/** Node versions of the zoo: three majors stand for all six, whose layouts other tests compare. */
function zooNodes(): readonly NodeChoice[] {
  return process.env['CORELEAK_MATRIX'] === 'all' ? [18, 22, 26] : nodesUnderTest();
}

/** How many specimens are begun before they are asked for. One keeps a second processor busy, and no more than two cores are read at a time. */
const AHEAD = 1;

/**
 * Runs `body` once for every core of every program of the manifest whose name starts with `prefix`; the specimen is made before the tests of `body`, the next one
 * meanwhile.
 */
export async function describeSpecimens(prefix: string, body: (specimen: () => Specimen, target: Target) => void): Promise<void> {
  const programs = Object.keys(manifest.programs).filter((name) => name.startsWith(prefix));
  const targets: Target[] = [];
  for (const node of zooNodes()) for (const program of programs) targets.push(...(await targetsOf(program, [node])));
  const begun = new Map<Target, Promise<Specimen>>();
  const begin = (target: Target): Promise<Specimen> => {
    const known = begun.get(target);
    if (known !== undefined) return known;
    const specimen = examine(target);
    // Whoever takes it is told of the failure; nobody may.
    specimen.catch(() => undefined);
    begun.set(target, specimen);
    return specimen;
  };
  for (const [at, target] of targets.entries()) {
    if (target.skip !== undefined) console.warn(titleOf(target));
    describe.skipIf(target.skip !== undefined)(titleOf(target), () => {
      body(
        prepare(() => {
          const specimen = begin(target);
          for (const next of targets.slice(at + 1, at + 1 + AHEAD)) if (next.skip === undefined) void begin(next);
          begun.delete(target);
          return specimen;
        }),
        target,
      );
    });
  }
}

const escaped = (name: string): string => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const says = (text: string, name: string): boolean => new RegExp(`(?<![\\w$])${escaped(name)}(?![\\w$])`).test(text);

/** All the words a suspect is told by: its title, the class and properties of its shape, the steps of its path. */
function wordsOf(report: Report, suspect: ReportSuspect): string {
  const shape = report.shapes.find((row) => row.id === suspect.shape);
  const steps = suspect.path.map(({ label, edge }) => `${edge ?? ''} ${label}`);
  return [suspect.title, shape?.constructor ?? '', ...(shape?.properties ?? []), ...steps].join(' | ');
}

/** Whether a suspect names what is planted. */
export function tellsLeak(report: Report, suspect: ReportSuspect, leak: Leak): boolean {
  const names = [leak.className, leak.functionName, ...(leak.also ?? []), ...(leak.properties ?? [])].filter((name) => name !== undefined);
  const words = wordsOf(report, suspect);
  return names.some((name) => says(words, name));
}

/** Whether a suspect names one who holds what is planted: the variable or property, or the class where there is none. */
export function tellsHolder(report: Report, suspect: ReportSuspect, { holder }: Leak): boolean {
  const words = wordsOf(report, suspect);
  return [holder].flat().some((name) => says(words, name));
}

/** Instances of what is planted by the tables of the report; undefined for what has no row of its own. */
export function countedIn(report: Report, leak: Leak): number | undefined {
  const { className, functionName, properties } = leak;
  if (className !== undefined) return report.constructors.find((row) => row.name === className)?.instances ?? 0;
  if (functionName !== undefined) return report.functions.filter((row) => row.name === functionName).reduce((sum, row) => sum + row.instances, 0);
  if (properties === undefined) return undefined;
  return report.shapes.filter((row) => properties.every((property) => row.properties.includes(property))).reduce((sum, row) => sum + row.instances, 0);
}

/** The suspects on one line each, for the message of a failure. */
export function listOf(report: Report): string {
  return report.suspects.slice(0, 5).map(({ rank, kind, confidence, title, retainedShare }) => `${rank}. ${confidence} ${kind}: ${title} (${String(retainedShare)})`).join('\n');
}
