/** How far long work is: one line on a terminal's stderr, and the times of the phases with --verbose. */
import { clip, visible } from '../render/escape.ts';
import type { Io } from './io.ts';

const ERASE = '\r\x1b[K';
/** Least time between two redraws, in milliseconds. */
const REDRAW = 80;

/** Progress of one run of a verb. */
export interface Progress {
  /** Notes that `phase` is done to a share in [0, 1]. */
  readonly note: (phase: string, share: number) => void;
  /** Names what is being worked on. */
  readonly subject: (text: string) => void;
  /** Ends the last phase and clears the line. */
  readonly end: () => void;
}

/**
 * Shows progress where that helps: nothing when quiet or when stderr is no terminal.
 *
 * With `verbose`, a phase that ends prints `time: <phase> <ms>`, counted from the start of the process.
 */
export function startProgress(io: Io, options: { readonly quiet: boolean; readonly verbose: boolean }): Progress {
  const draws = io.stderr.isTTY && !options.quiet;
  const width = (io.stderr.columns ?? 80) - 1;
  let subject = '';
  let current: string | undefined;
  let drawnAt = -Infinity;
  let isDrawn = false;
  const erase = (): void => {
    if (isDrawn) void io.stderr.write(ERASE);
    isDrawn = false;
  };
  const close = (): void => {
    if (current === undefined) return;
    if (options.verbose) {
      erase();
      void io.stderr.write(`time: ${current} ${Math.round(io.now())}\n`);
    }
    current = undefined;
  };
  return {
    note(phase, share) {
      if (phase !== current) close();
      current = phase;
      if (share >= 1) close();
      else if (draws && io.now() - drawnAt >= REDRAW) {
        drawnAt = io.now();
        isDrawn = true;
        void io.stderr.write(ERASE + clip(`${subject}  ${phase} ${Math.floor(share * 100)} %`, width));
      }
    },
    subject(text) {
      subject = visible(text);
    },
    end() {
      close();
      erase();
    },
  };
}
