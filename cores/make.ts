/**
 * Makes the core of a test program on first use, and keeps it.
 *
 *     npx tsx cores/make.ts <program> [major | self] [--kind kernel|gcore] [--scale N] [--keep-zeros]
 *
 * prints where the core, V8's own snapshot, the binary and the facts are, as one JSON object.
 */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { TemporaryDirectory, findCore, shellPrelude, whyNot } from './machine.ts';
import type { CoreKind } from './machine.ts';
import { moveIntoPlace, nodeBinary } from './node-binary.ts';
import type { NodeRelease } from './node-binary.ts';

export interface ProgramEntry {
  readonly for: string;
  readonly flags: readonly string[];
  readonly scale: number;
  /** Whether V8's own snapshot of the same heap is written beside the core. */
  readonly snapshot: boolean;
  /** The kinds of core that the tests take of it. */
  readonly kinds: readonly CoreKind[];
  readonly facts: Readonly<Record<string, string>>;
}
interface Manifest {
  readonly coredumpFilter: string;
  readonly nodes: Readonly<Record<string, NodeRelease>>;
  readonly programs: Readonly<Record<string, ProgramEntry>>;
}

const here = fileURLToPath(new URL('.', import.meta.url));
export const manifest = JSON.parse(readFileSync(join(here, 'manifest.json'), 'utf8')) as Manifest;
const cache = process.env['CORELEAK_CACHE'] ?? join(here, '.cache');

/** The Node that a core is made with: a major version of the manifest, or the one that runs this. */
export type NodeChoice = number | 'self';

export interface CoreRequest {
  readonly program: string;
  readonly node: NodeChoice;
  readonly kind: CoreKind;
  readonly scale?: number;
  /** Leaves the zeros in the file that gcore writes for memory that was never touched, as a user's core has them. */
  readonly keepZeros?: boolean;
}

/** The facts that every program prints; what else it prints is its own. */
export interface Facts {
  readonly pid: number;
  readonly node: string;
  readonly v8: string;
  readonly program: string;
  readonly [fact: string]: unknown;
}

export interface MadeCore {
  readonly directory: string;
  readonly core: string;
  /** V8's own snapshot of the same heap, where the program writes one. */
  readonly snapshot: string | undefined;
  readonly binary: string;
  readonly facts: Facts;
}

/** The program's file, and the digest of all that decides what it does. */
function findProgram(program: string): { file: string; digest: string } {
  const file = join(here, 'programs', `${program}.cjs`);
  const hash = createHash('sha256');
  const library = join(here, 'programs', 'lib');
  for (const part of [file, ...readdirSync(library).sort().map((name) => join(library, name))]) hash.update(readFileSync(part));
  return { file, digest: hash.digest('hex') };
}

/** The binary for `choice`, and a name for it that no other binary has. */
async function findNode(choice: NodeChoice): Promise<{ binary: string; name: string }> {
  if (choice !== 'self') {
    const release = manifest.nodes[choice];
    if (release === undefined) throw new Error(`Node ${choice} is not in cores/manifest.json`);
    return { binary: await nodeBinary(release, cache), name: `v${release.version}` };
  }
  const binary = realpathSync(process.execPath);
  const { size, mtimeMs } = statSync(binary);
  return { binary, name: `${process.version}-self-${createHash('sha256').update(`${binary} ${size} ${mtimeMs}`).digest('hex').slice(0, 6)}` };
}

/** What a finished directory holds. */
function openMade(directory: string, binary: string): MadeCore {
  const snapshot = join(directory, 'truth.heapsnapshot');
  return {
    directory,
    core: join(directory, 'core'),
    snapshot: existsSync(snapshot) ? snapshot : undefined,
    binary,
    facts: JSON.parse(readFileSync(join(directory, 'facts.json'), 'utf8')) as Facts,
  };
}

/** The first line that comes out of `stream`; undefined when it ends before one is whole. */
function firstLine(stream: Readable): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (chunk.includes('\n')) resolve(Buffer.concat(chunks).toString('utf8').split('\n')[0]);
    });
    stream.on('close', () => {
      resolve(undefined);
    });
  });
}

/** Ends a program that this process started: by its id, and waits until it is gone. */
async function endProgram(child: { kill(signal: 'SIGKILL'): boolean }, gone: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL');
  await gone;
}

/** Starts the program, waits for its line of facts, takes its core into `directory` and ends it. */
async function runProgram(request: CoreRequest, entry: ProgramEntry, file: string, binary: string, directory: string): Promise<void> {
  const work = join(directory, 'work');
  mkdirSync(work);
  const snapshot = entry.snapshot ? join(directory, 'truth.heapsnapshot') : '-';
  const args = [...entry.flags, file, String(request.scale ?? entry.scale), snapshot, request.kind === 'kernel' ? 'abort' : 'wait'];
  const child = execa('sh', ['-c', shellPrelude(manifest.coredumpFilter), 'sh', binary, ...args], {
    cwd: work, env: { NODE_OPTIONS: '' }, stdin: 'ignore', reject: false, timeout: 240_000, killSignal: 'SIGKILL',
  });
  try {
    const line = await firstLine(child.stdout);
    if (line === undefined) throw new Error(`${request.program} printed no facts on ${basename(binary)}: ${(await child).stderr.slice(-2000)}`);
    writeFileSync(join(directory, 'facts.json'), line);
    const core = join(directory, 'core');
    if (request.kind === 'gcore') {
      const { pid } = JSON.parse(line) as Facts;
      await execa('gcore', ['-o', core, String(pid)], { stdin: 'ignore', timeout: 240_000 });
      await execa('mv', [`${core}.${pid}`, core]);
    } else {
      await child;
      const written = findCore(work);
      if (written === undefined) throw new Error(`the kernel wrote no core file of ${request.program}`);
      await execa('mv', [written, core]);
    }
    if (request.keepZeros !== true) await execa('fallocate', ['-d', core], { reject: false });
    chmodSync(core, 0o600);
    rmSync(work, { recursive: true });
  } finally {
    await endProgram(child, child);
  }
}

/**
 * The core that `request` describes: from the cache, or made now.
 *
 * Several processes may ask for the same one at the same time: each makes it in a directory of its own, and the first to finish is kept.
 * @throws with the reason when cores of this kind cannot be made on this machine; ask `whyNot` before
 */
export async function makeCore(request: CoreRequest): Promise<MadeCore> {
  const entry = manifest.programs[request.program];
  if (entry === undefined) throw new Error(`${request.program} is not in cores/manifest.json`);
  const { binary, name } = await findNode(request.node);
  const { file, digest } = findProgram(request.program);
  const scale = request.scale ?? entry.scale;
  const key = createHash('sha256').update(JSON.stringify([digest, entry.flags, entry.snapshot, scale, manifest.coredumpFilter, request.keepZeros === true])).digest('hex').slice(0, 12);
  const place = join(cache, `${request.program}-${name}-${request.kind}-${scale}-${key}`);
  if (existsSync(place)) return openMade(place, binary);
  const reason = await whyNot(request.kind);
  if (reason !== undefined) throw new Error(reason);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  using directory = new TemporaryDirectory(cache);
  await runProgram(request, entry, file, binary, directory.path);
  moveIntoPlace(directory.path, place);
  return openMade(place, binary);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { kind: { type: 'string', default: 'kernel' }, scale: { type: 'string' }, 'keep-zeros': { type: 'boolean', default: false } },
  });
  const [program, node = 'self'] = positionals;
  if (program === undefined || (values.kind !== 'kernel' && values.kind !== 'gcore')) {
    console.error(`usage: make.ts <${Object.keys(manifest.programs).join(' | ')}> [major | self] [--kind kernel|gcore] [--scale N] [--keep-zeros]`);
    process.exitCode = 2;
    return;
  }
  const made = await makeCore({
    program, node: node === 'self' ? node : Number(node), kind: values.kind, keepZeros: values['keep-zeros'],
    ...(values.scale === undefined ? {} : { scale: Number(values.scale) }),
  });
  console.log(JSON.stringify({ ...made, snapshot: made.snapshot ?? null }));
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
