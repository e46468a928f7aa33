/** `coreleak demo`: makes a small leaking server, takes its core, and reports on it. */
import { chmod, mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import tmp from 'tmp';
import { coreLimits, corePattern, installCommand } from '../commands/machine.ts';
import type { Machine } from '../commands/machine.ts';
import { InterruptedError } from '../errors.ts';
import { shellWord } from '../render/escape.ts';
import { commandLines } from '../render/report-text.ts';
import { DEMO_PROGRAM, DEMO_REQUESTS } from './demo-program.ts';
import { ToolError } from './failure.ts';
import type { Io } from './io.ts';
import type { DemoInvocation } from './options.ts';
import { runReport } from './report.ts';
import { textWidth } from './screen.ts';

/** Longest time that the program and gcore may take each, in milliseconds. */
const PATIENCE = 30_000;
const PROGRAM_FILE = 'leaky-shop.mjs';

/** Ways to a core: the kernel writes it when the program aborts, or gcore takes it while the program waits. */
export type Route = { readonly by: 'kernel' } | { readonly by: 'gcore'; readonly gcore: string };

/**
 * Chooses how the core of the demo is taken on this machine.
 * @throws {ToolError} when there is no way; the hint says how to make one
 */
export function chooseRoute(machine: Machine): Route {
  if (machine.platform !== 'linux' || machine.arch !== 'x64')
    throw new ToolError(`the demo needs Linux on x86-64, this is ${machine.platform} ${machine.arch}`, 'cores taken on such a machine can be read here');
  const pattern = corePattern(machine);
  const hard = coreLimits(machine)?.hard;
  if (pattern?.goes === 'folder' && hard !== '0') return { by: 'kernel' };
  const gcore = machine.findProgram('gcore');
  if (gcore !== undefined) return { by: 'gcore', gcore };
  const why =
    pattern === undefined
      ? 'the kernel does not say where cores go'
      : pattern.goes === 'folder'
        ? 'cores are forbidden (hard limit 0)'
        : `the kernel sends cores elsewhere (${pattern.text})`;
  throw new ToolError(`no way to take a core: ${why}, and gcore is not installed`, wayOut(machine));
}

/** The two commands that open a way. */
function wayOut(machine: Machine): string {
  return `either of these, as root, then again: ${installCommand(machine, 'gdb')}   or   sysctl -w kernel.core_pattern=core.%p`;
}

/** Makes the folder of the demo anew; under another name where the usual one belongs to somebody else. */
async function makeFolder(): Promise<string> {
  const usual = join(tmpdir(), 'coreleak-demo');
  try {
    await rm(usual, { recursive: true, force: true });
    await mkdir(usual, { mode: 0o700 });
    return usual;
  } catch {
    return tmp.dirSync({ prefix: 'coreleak-demo-', mode: 0o700, keep: true }).name;
  }
}

/** Says whether a file starts as an ELF file does. */
async function isElf(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const magic = Buffer.alloc(4);
    await file.read(magic, 0, 4, 0);
    return magic.equals(Buffer.from('\x7fELF', 'latin1'));
  } finally {
    await file.close();
  }
}

async function findCore(folder: string): Promise<string | undefined> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile() && entry.name !== PROGRAM_FILE && (await isElf(path))) return path;
  }
  return undefined;
}

/** Runs the program until its leak is in place, and takes the core. Answers `undefined` when the kernel wrote none. */
async function takeCore(folder: string, route: Route, signal: AbortSignal): Promise<string | undefined> {
  const program = join(folder, PROGRAM_FILE);
  // The soft limit may be raised up to the hard one; options of this process are not the program's.
  const script = 'ulimit -c unlimited 2>/dev/null || ulimit -c "$(ulimit -H -c)"; exec "$0" "$@"';
  const end = route.by === 'kernel' ? 'abort' : 'wait';
  const child = execa('sh', ['-c', script, process.execPath, program, end, String(DEMO_REQUESTS)], {
    cwd: folder,
    env: { NODE_OPTIONS: '' },
    stdin: 'ignore',
    stderr: 'ignore',
    cancelSignal: signal,
    timeout: PATIENCE * 2,
    forceKillAfterDelay: 500,
    reject: false,
  });
  const ready = new Promise<boolean>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('\n')) resolve(true);
    });
    child.then(
      () => {
        resolve(false);
      },
      () => {
        resolve(false);
      },
    );
  });
  const isReady = await ready;
  if (route.by === 'gcore' && isReady) {
    const { pid } = child;
    const taken = await execa(route.gcore, ['-o', join(folder, 'core'), String(pid)], {
      cwd: folder,
      stdin: 'ignore',
      all: true,
      cancelSignal: signal,
      timeout: PATIENCE,
      reject: false,
    });
    child.kill('SIGKILL');
    await child;
    if (signal.aborted) throw new InterruptedError();
    if (taken.exitCode !== 0) {
      const said = taken.all.trim().split('\n').at(-1) ?? '';
      throw new ToolError(
        `gcore failed: ${said === '' ? taken.shortMessage : said}`,
        'attaching to a process may be forbidden here: coreleak doctor says more',
      );
    }
    return findCore(folder);
  }
  const result = await child;
  if (signal.aborted) throw new InterruptedError();
  if (!isReady)
    throw new ToolError(
      `the demo program ended before its leak was in place: ${result.timedOut ? 'it took too long' : (result.signal ?? `exit code ${result.exitCode ?? 'unknown'}`)}`,
    );
  return findCore(folder);
}

/**
 * Runs the verb and answers its exit code. The core stays in a folder of the system's temporary one, replaced at each run.
 * @throws {ToolError} where no core can be taken; the hint says how to get on
 */
export async function runDemo(invocation: DemoInvocation, io: Io): Promise<number> {
  const say = async (text: string): Promise<void> => {
    if (!invocation.quiet) await io.stderr.write(`coreleak: ${text}\n`);
  };
  let route = chooseRoute(io.machine);
  const folder = await makeFolder();
  await writeFile(join(folder, PROGRAM_FILE), DEMO_PROGRAM);
  await say(`running a small server that leaks, ${DEMO_REQUESTS.toLocaleString('en-US')} requests: ${join(folder, PROGRAM_FILE)}`);
  let core = await takeCore(folder, route, io.signal);
  const gcore = io.machine.findProgram('gcore');
  if (core === undefined && route.by === 'kernel' && gcore !== undefined) {
    await say('the kernel wrote no core there, taking one with gcore');
    route = { by: 'gcore', gcore };
    core = await takeCore(folder, route, io.signal);
  }
  if (core === undefined) throw new ToolError(`the program aborted but left no core in ${folder}`, wayOut(io.machine));
  await chmod(core, 0o600);
  await say(`took its core ${route.by === 'kernel' ? 'from the kernel' : 'with gcore'}: ${core}`);
  const binary = process.execPath;
  const code = await runReport(
    {
      ...invocation,
      verb: 'report',
      sources: [core],
      binary,
      sysroot: undefined,
      force: false,
      format: 'text',
      output: undefined,
      top: undefined,
      strings: false,
      internals: false,
      retained: true,
      failOn: undefined,
    },
    io,
  );
  const command = commandLines([io.program, shellWord(core), '--binary', shellWord(binary)], textWidth(io, false));
  await io.stdout.write(`\nThe core is yours to look at, until the next demo:\n${command.join('\n')}\n`);
  return code;
}
