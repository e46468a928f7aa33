/** The real cores that the oracle tests run on: which Node versions and kinds, and what to do where a kind cannot be made. */
import { beforeAll, describe } from 'vitest';
import { makeCore, manifest } from '../../cores/make.ts';
import type { MadeCore, NodeChoice } from '../../cores/make.ts';
import { whyNot } from '../../cores/machine.ts';
import type { CoreKind } from '../../cores/machine.ts';
import type { Report } from './report.ts';
import { runReport } from './run-coreleak.ts';

export interface Target {
  readonly program: string;
  readonly node: NodeChoice;
  readonly kind: CoreKind;
  /** Why it cannot be tested here. */
  readonly skip: string | undefined;
}

/** A core and what `coreleak report` says about it. */
export interface Analysed extends MadeCore {
  readonly report: Report;
}

/**
 * Node versions to test on: the one that runs the tests; with CORELEAK_MATRIX=all the official binary of every supported major, with
 * CORELEAK_MATRIX=22,24 those of the majors named.
 */
export function nodesUnderTest(): readonly NodeChoice[] {
  const matrix = process.env['CORELEAK_MATRIX'];
  if (matrix === undefined || matrix === '') return ['self'];
  const majors = matrix === 'all' ? Object.keys(manifest.nodes) : matrix.split(',');
  for (const major of majors) if (manifest.nodes[major] === undefined) throw new Error(`CORELEAK_MATRIX: Node ${major} is not in cores/manifest.json`);
  return majors.map(Number);
}

/** The kinds of core to take of `program` here: those of the manifest that this machine can make, or else the other kind. */
async function kindsOf(program: string): Promise<{ kinds: CoreKind[]; reason: string | undefined }> {
  const wanted = manifest.programs[program]?.kinds ?? [];
  const reasons = new Map<CoreKind, string | undefined>();
  for (const kind of wanted) reasons.set(kind, await whyNot(kind));
  const kinds = wanted.filter((kind) => reasons.get(kind) === undefined);
  const dies = program === 'oom' || program === 'killed-in-gc';
  if (kinds.length === 0 && !dies && (await whyNot('gcore')) === undefined) return { kinds: ['gcore'], reason: undefined };
  return { kinds, reason: wanted.map((kind) => reasons.get(kind)).find((reason) => reason !== undefined) };
}

/** All cores of `program` on `nodes` that are to be tested; one that says why, when none can be made. */
export async function targetsOf(program: string, nodes: readonly NodeChoice[] = nodesUnderTest()): Promise<readonly Target[]> {
  const { kinds, reason } = await kindsOf(program);
  return nodes.flatMap((node): Target[] =>
    kinds.length === 0 ? [{ program, node, kind: 'kernel', skip: reason ?? 'no kind of core can be made' }] : kinds.map((kind) => ({ program, node, kind, skip: undefined })),
  );
}

/** What the suite of a target is called. */
export function titleOf({ program, node, kind, skip }: Target): string {
  const what = `${program}, ${kind} core of node ${node === 'self' ? process.version : node}`;
  return skip === undefined ? what : `${what} (skipped: ${skip})`;
}

/** Runs `make` before the tests of the suite; when it fails, every test that asks for its result fails with the same error. */
export function prepare<T>(make: () => Promise<T>): () => T {
  let outcome: { value: T } | { error: unknown } | undefined;
  beforeAll(async () => {
    outcome = await make().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
  });
  return () => {
    if (outcome === undefined) throw new Error('asked for before the tests run');
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  };
}

/** Runs `body` once for every core of `program`; the core is made before the tests of `body` and read through the function it gets. */
export async function describeCores(program: string, body: (made: () => MadeCore, target: Target) => void): Promise<void> {
  for (const target of await targetsOf(program)) {
    if (target.skip !== undefined) console.warn(titleOf(target));
    describe.skipIf(target.skip !== undefined)(titleOf(target), () => {
      body(
        prepare(() => makeCore(target)),
        target,
      );
    });
  }
}

/** As `describeCores`, with the report of each core; it is made once for all tests of `body`. */
export async function describeReports(program: string, body: (analysed: () => Analysed, target: Target) => void): Promise<void> {
  await describeCores(program, (made, target) => {
    body(
      prepare(async () => ({ ...made(), report: await runReport(made().core, made().binary) })),
      target,
    );
  });
}
