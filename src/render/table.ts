/** A Result as aligned text columns that fit a width. */
import type { Column, Result } from '../result.ts';
import { clip, clipStart, displayWidth, pad } from './escape.ts';
import { formatCell } from './format.ts';
import type { Paint } from './paint.ts';

const GAP = '  ';
/** A text column is not squeezed below this, but for tables that would not fit otherwise. */
const MIN_TEXT = 8;

const isNumeric = (column: Column): boolean => column.kind === 'bytes' || column.kind === 'count' || column.kind === 'percent';
const isElastic = (column: Column): boolean => column.kind === 'text' || column.kind === 'shape' || column.kind === 'source-location';

/** Widths that fit: natural ones, with the widest of the text columns cut until the line fits. */
function fit(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  let over = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1) - width;
  for (const floor of [MIN_TEXT, 1]) {
    while (over > 0) {
      let widest = -1;
      for (const [at, column] of columns.entries()) {
        const own = widths[at] ?? 0;
        if (isElastic(column) && own > floor && own > (widths[widest] ?? 0)) widest = at;
      }
      if (widest < 0) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
      over--;
    }
  }
  return widths;
}

/** Lays out a table: a line of titles, then a line per row, none wider than `width`. Numbers to the right, text to the left, paths cut at their start. */
export function tableLines(table: Result, width: number, paint: Paint): string[] {
  const { columns } = table;
  const cells = table.rows.map((row) => columns.map((column) => formatCell(row[column.key], column.kind)));
  const natural = columns.map((column, at) => Math.max(displayWidth(column.title), ...cells.map((row) => displayWidth(row[at] ?? ''))));
  const widths = fit(columns, natural, width);
  const line = (texts: readonly string[]): string =>
    columns
      .map((column, at) => {
        const room = widths[at] ?? 0;
        const cut = column.kind === 'source-location' ? clipStart(texts[at] ?? '', room) : clip(texts[at] ?? '', room);
        return pad(cut, room, isNumeric(column) ? 'left' : 'right');
      })
      .join(GAP)
      .trimEnd();
  return [paint('faint', clip(line(columns.map((column) => column.title)), width)), ...cells.map((row) => clip(line(row), width))];
}
