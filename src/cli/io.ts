/** What the command line uses of the world, so that tests can take its place. Only main.ts fills it from the process. */
import type { Machine } from '../commands/machine.ts';
import type { HeapSource } from '../session/source.ts';

/** How a source is to be opened. */
export interface OpenOptions {
  readonly binary?: string;
  readonly sysroot?: string;
  readonly force?: boolean;
}

/** Opens a core or a heap snapshot. */
export type OpenSource = (path: string, options: OpenOptions) => Promise<HeapSource>;

/** One output stream. */
export interface Output {
  /** Resolves when the text is out, or when nobody reads any more. */
  write(text: string): Promise<void>;
  readonly isTTY: boolean;
  readonly columns: number | undefined;
}

/** The world. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Milliseconds since the process started. */
  now(): number;
  /** How this program was started, for lines that can be typed again. */
  readonly program: string;
  readonly version: string;
  readonly openSource: OpenSource;
  readonly machine: Machine;
}
