/** What this machine can do: finds out by doing it, because limits, containers and security modules have more ways to refuse than one can list. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import tmp from 'tmp';

/** How a core is taken: by the kernel from a process that aborts, or by gdb's gcore from one that goes on. */
export type CoreKind = 'kernel' | 'gcore';

/** The first line of `text`, or `otherwise` when there is none. */
function firstLine(text: string, otherwise: string): string {
  return text.trim().split('\n')[0] ?? otherwise;
}

/** What to do where the kernel writes no core into the working directory. */
async function kernelAdvice(): Promise<string> {
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  if (pattern.startsWith('|')) return 'kernel.core_pattern pipes cores to another program; run: sysctl -w kernel.core_pattern=core';
  if (pattern.includes('/')) return 'kernel.core_pattern sends cores to another directory; run: sysctl -w kernel.core_pattern=core';
  const { stdout } = await execa('sh', ['-c', 'ulimit -Hc']);
  if (stdout.trim() !== 'unlimited') return `the hard limit for core files is ${stdout.trim()}; raise it: ulimit -Hc unlimited`;
  return 'the kernel wrote no core file here, although kernel.core_pattern and the limits allow it';
}

/** The file that the kernel wrote into `directory`, which held nothing else than `known` before. */
export function findCore(directory: string, known: readonly string[] = []): string | undefined {
  const found = readdirSync(directory).find((name) => !known.includes(name));
  return found === undefined ? undefined : join(directory, found);
}

/** Shell words that raise the limit for core files as far as it goes and set the kinds of memory a core holds, before `exec "$@"`. */
export function shellPrelude(coredumpFilter: string): string {
  return `ulimit -c unlimited 2>/dev/null || ulimit -c "$(ulimit -Hc)"; echo ${coredumpFilter} > /proc/self/coredump_filter; exec "$@"`;
}

async function whyNoKernelCore(): Promise<string | undefined> {
  using directory = new TemporaryDirectory();
  await execa('sh', ['-c', shellPrelude('0x33'), 'sh', 'sh', '-c', 'kill -ABRT $$'], { cwd: directory.path, reject: false });
  return findCore(directory.path) === undefined ? await kernelAdvice() : undefined;
}

async function whyNoGcore(): Promise<string | undefined> {
  const probe = await execa('gcore', ['--help'], { reject: false });
  if (probe.code === 'ENOENT') return 'gcore is not installed; it comes with gdb';
  using directory = new TemporaryDirectory();
  const sleeper = execa('sleep', ['60'], { reject: false });
  try {
    const run = await execa('gcore', ['-o', join(directory.path, 'core'), String(sleeper.pid)], { reject: false, stdin: 'ignore' });
    if (run.exitCode === 0 && existsSync(join(directory.path, `core.${String(sleeper.pid)}`))) return undefined;
    return `gcore cannot read a process here: ${firstLine(run.stderr, 'it says nothing')}`;
  } finally {
    sleeper.kill('SIGKILL');
    await sleeper;
  }
}

const answers = new Map<CoreKind, Promise<string | undefined>>();

/** Why cores of this kind cannot be made here, with what to do about it; undefined when they can. Tried once per process. */
export function whyNot(kind: CoreKind): Promise<string | undefined> {
  const known = answers.get(kind);
  if (known !== undefined) return known;
  const answer = kind === 'kernel' ? whyNoKernelCore() : whyNoGcore();
  answers.set(kind, answer);
  return answer;
}

/** A directory that is gone, with all it holds, at the end of the block that made it (`using`), and at the latest with this process. */
export class TemporaryDirectory implements Disposable {
  readonly path: string;
  readonly #made: tmp.DirResult;
  constructor(parent?: string) {
    tmp.setGracefulCleanup();
    this.#made = tmp.dirSync({ prefix: 'coreleak-', unsafeCleanup: true, ...(parent === undefined ? {} : { tmpdir: parent }) });
    this.path = this.#made.name;
  }
  [Symbol.dispose](): void {
    // The directory may have been renamed to its final place by then.
    if (existsSync(this.path)) this.#made.removeCallback();
  }
}
