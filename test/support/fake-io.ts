/** A machine and a world for the command line, in memory. */
import type { Io, OpenSource } from '../../src/cli/io.ts';
import type { Machine } from '../../src/commands/machine.ts';
import { fakeSource } from './fake-source.ts';

/** A Linux machine with these programs and files. */
export function fakeMachine(has: { programs?: string[]; files?: Record<string, string>; free?: number | undefined; platform?: string }): Machine {
  return {
    platform: has.platform ?? 'linux',
    arch: 'x64',
    node: 'v22.23.3',
    readText: (path) => has.files?.[path],
    findProgram: (name) => (has.programs?.includes(name) ? `/usr/bin/${name}` : undefined),
    freeBytes: () => ('free' in has ? has.free : 2 ** 40),
  };
}

/** What went out, and the world to pass in. */
export interface FakeWorld {
  readonly io: Io;
  readonly out: () => string;
  readonly err: () => string;
  readonly interrupt: () => void;
}

/** A world in which every source is the shop, unless told otherwise. */
export function fakeWorld(
  over: { openSource?: OpenSource; isTTY?: boolean; columns?: number; machine?: Machine; env?: Record<string, string> } = {},
): FakeWorld {
  const texts = { out: '', err: '' };
  const controller = new AbortController();
  const started = performance.now();
  const stream = (key: 'out' | 'err') => ({
    write: (text: string) => {
      texts[key] += text;
      return Promise.resolve();
    },
    isTTY: over.isTTY ?? false,
    columns: over.columns,
  });
  return {
    io: {
      stdout: stream('out'),
      stderr: stream('err'),
      env: over.env ?? {},
      signal: controller.signal,
      now: () => performance.now() - started,
      program: 'coreleak',
      version: '0.1.0',
      openSource: over.openSource ?? ((path) => Promise.resolve(fakeSource({ facts: { path } }))),
      machine: over.machine ?? fakeMachine({}),
    },
    out: () => texts.out,
    err: () => texts.err,
    interrupt: () => {
      controller.abort();
    },
  };
}
