/** `coreleak doctor` for a person: what works here, what is missing, and the command that gets it. */
import type { DoctorResult, LayoutResult } from '../result.ts';
import { pad, visible, wrap } from './escape.ts';
import { formatCount, sentenceText } from './format.ts';
import type { Paint } from './paint.ts';

/** How the text is to look. */
export interface DoctorTextOptions {
  readonly width: number;
  readonly paint: Paint;
  /** Lists every constant of the layout. */
  readonly verbose: boolean;
}

const INDENT = 18;
/** Columns for `holds`. */
const STATE = 7;
const STYLE = { ok: 'good', limited: 'warn', missing: 'faint' } as const;

function layoutLines(layout: LayoutResult, { width, paint, verbose }: DoctorTextOptions): string[] {
  const { counts } = layout;
  const beside = (label: string, text: string): string[] =>
    wrap(text, width - INDENT).map((line, at) => ` ${pad(at === 0 ? label : '', INDENT - 1, 'right')}${line}`);
  const passed = layout.checks.filter((check) => check.passed).length;
  const lines = [
    `${paint('heading', 'LAYOUT')} of ${visible(layout.path)}`,
    ...beside('runtime', `node ${visible(layout.node)}, V8 ${visible(layout.v8)}`),
    ...beside('table', `V8 ${visible(layout.table)}, ${layout.exact ? "the target's own" : 'the nearest there is: the target is another version'}`),
    ...beside(
      'constants',
      `${formatCount(counts.symbol)} from the binary's symbols, ${formatCount(counts.canned)} from the table, ${formatCount(counts.derived)} worked out from the heap`,
    ),
    ...beside('checks', `${formatCount(passed)} of ${formatCount(layout.checks.length)} hold`),
    ...layout.checks.flatMap((check) =>
      wrap(`${visible(check.what)}${check.detail === '' ? '' : `: ${visible(check.detail)}`}`, width - INDENT - STATE).map(
        (line, at) => ' '.repeat(INDENT) + pad(at > 0 ? '' : check.passed ? 'holds' : 'FAILS', STATE, 'right') + line,
      ),
    ),
    ...(layout.missing.length === 0
      ? beside('missing', 'nothing')
      : layout.missing.flatMap((row, at) => beside(at === 0 ? 'missing' : '', `${visible(row.name)}: no ${visible(row.disables)}`))),
    ...layout.warnings.flatMap((warning, at) => beside(at === 0 ? 'warnings' : '', visible(warning))),
  ];
  if (verbose)
    lines.push(
      ...layout.constants.flatMap((row, at) =>
        beside(at === 0 ? 'values' : '', `${visible(row.name)} = ${row.value}, ${row.origin}${row.note === '' ? '' : ` (${visible(row.note)})`}`),
      ),
    );
  else if (layout.constants.length > 0) lines.push(...beside('', `(${formatCount(layout.constants.length)} constants: --verbose lists them)`));
  return lines;
}

/** Prints what this machine can do, and how well a core's layout fits; lines of at most `options.width` columns. */
export function doctorText(result: DoctorResult, options: DoctorTextOptions): string {
  const { width, paint } = options;
  const lines: string[] = [];
  if (result.layout !== undefined) lines.push(...layoutLines(result.layout, options), '');
  lines.push(paint('heading', 'THIS MACHINE'));
  for (const check of result.checks) {
    const state = paint(STYLE[check.state], pad(check.state, 9, 'right'));
    const body = [
      ...wrap(sentenceText(check.found), width - INDENT - 9),
      ...wrap(check.adds, width - INDENT - 9),
      ...(check.state === 'ok' || check.remedy === undefined ? [] : wrap(`get it: ${check.remedy}`, width - INDENT - 9)),
    ];
    for (const [at, line] of body.entries())
      lines.push(at === 0 ? ` ${pad(check.name, INDENT - 1, 'right')}${state}${line}` : `${' '.repeat(INDENT + 9)}${line}`);
  }
  return `${lines.join('\n')}\n`;
}
