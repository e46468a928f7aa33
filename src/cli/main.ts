#!/usr/bin/env node
/** The command line's composition root: the only place that touches the process. */
import { readFileSync, statSync } from 'node:fs';
import { basename, relative } from 'node:path';
import { isatty } from 'node:tty';
import { thisMachine } from '../commands/machine.ts';
import { SpareWorkers } from '../v8/engine-pool.ts';
import { EXIT } from './failure.ts';
import type { Output } from './io.ts';
import { run } from './run.ts';

/** How long work that was interrupted may take to end by itself, in milliseconds. */
const PATIENCE = 200;

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}

/** `coreleak` where it is installed as a command, else the line that starts this file. */
function programName(): string {
  const script = process.argv[1] ?? '';
  if (basename(script) === 'coreleak') return 'coreleak';
  const near = relative(process.cwd(), script);
  return `node ${near.startsWith('..') ? script : near}`;
}

/** How writing went: `| head` closes the pipe when it has enough, which is no failure; a full disk is one. */
const written = { readerGone: false, failed: false };

function noteError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') written.readerGone = true;
  else written.failed = true;
}

function output(stream: NodeJS.WriteStream & { fd: number }): Output {
  const isTerminal = isatty(stream.fd);
  stream.on('error', noteError);
  return {
    write: (text) =>
      new Promise((resolve) => {
        if (written.readerGone) resolve();
        else
          stream.write(text, (error) => {
            if (error) noteError(error);
            resolve();
          });
      }),
    isTTY: isTerminal,
    // A terminal that does not know its size says 0.
    columns: isTerminal && stream.columns > 0 ? stream.columns : undefined,
  };
}

const controller = new AbortController();
process.on('SIGINT', () => {
  if (controller.signal.aborted) process.exit(EXIT.interrupted);
  controller.abort();
  setTimeout(() => process.exit(EXIT.interrupted), PATIENCE).unref();
});

/** The size of the largest file among the arguments that may be sources. */
function largestSource(argv: readonly string[]): number {
  const sizes = argv.map((argument, i) => {
    if (argument.startsWith('-') || argv[i - 1] === '--binary') return 0;
    try {
      return statSync(argument, { throwIfNoEntry: false })?.size ?? 0;
    } catch {
      return 0;
    }
  });
  return Math.max(0, ...sizes);
}

// Starting threads takes about as long as reading the arguments and finding the heap: for a large file it is done meanwhile.
const spare = new SpareWorkers(largestSource(process.argv.slice(2)));

const code = await run(process.argv.slice(2), {
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  env: process.env,
  signal: controller.signal,
  now: () => performance.now(),
  program: programName(),
  version: packageVersion(),
  openSource: async (path, options) => (await import('../session/open.ts')).openSource(path, { ...options, spare }),
  machine: thisMachine(process.env['PATH'] ?? ''),
});
// Whatever became of the source, the threads for it have nothing more to do.
spare.close();
// What was interrupted may still be running in a worker. Everything else ends by itself, so that stdout is never cut.
if (code === EXIT.interrupted) process.exit(code);
if (written.failed) process.stderr.write('coreleak: error: cannot write all of the output\n');
process.exitCode = written.failed ? EXIT.tool : written.readerGone ? EXIT.ok : code;
