/** How wide and how colourful stdout is. */
import { ansi, plain } from '../render/paint.ts';
import type { Paint } from '../render/paint.ts';
import type { Io } from './io.ts';

/** The columns to lay text out for: those of the terminal, 80 for files and pipes. */
export function textWidth(io: Io, toFile: boolean): number {
  const columns = !toFile && io.stdout.isTTY ? (io.stdout.columns ?? 80) : 80;
  return Math.max(40, Math.min(160, columns));
}

/** Colours for terminals, unless they are unwanted: --no-color, NO_COLOR (no-color.org), a dumb terminal. */
export function paintFor(io: Io, color: boolean, toFile: boolean): Paint {
  const unwanted = !color || toFile || !io.stdout.isTTY || (io.env['NO_COLOR'] ?? '') !== '' || io.env['TERM'] === 'dumb';
  return unwanted ? plain : ansi;
}
