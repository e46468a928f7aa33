/** Runs the built command line as a user does: another process, its exit code and what it prints. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Report } from './report.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Run {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface RunOptions {
  readonly timeoutMs?: number;
}

/** Runs `coreleak` with these arguments, without a terminal; never throws for an exit code. */
export async function runCoreleak(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  if (!existsSync(main)) throw new Error('dist/cli/main.js is not built: npm run build');
  const run = await execa(process.execPath, [main, ...args], {
    reject: false,
    stdin: 'ignore',
    timeout: options.timeoutMs ?? 120_000,
    killSignal: 'SIGKILL',
    maxBuffer: 1 << 28,
  });
  if (run.timedOut) throw new Error(`coreleak ${args.join(' ')} did not end within ${options.timeoutMs ?? 120_000} ms`);
  return { exitCode: run.exitCode, stdout: run.stdout, stderr: run.stderr, durationMs: run.durationMs };
}

/** `coreleak report SOURCE --binary BINARY --format json`, parsed; a snapshot has no binary. Throws with what it printed unless it exits with 0. */
export async function runReport(source: string, binary?: string): Promise<Report> {
  const run = await runCoreleak(['report', source, ...(binary === undefined ? [] : ['--binary', binary]), '--format', 'json']);
  if (run.exitCode !== 0) throw new Error(`coreleak report exits with ${String(run.exitCode)}: ${run.stderr.slice(0, 2000)}`);
  return JSON.parse(run.stdout) as Report;
}
