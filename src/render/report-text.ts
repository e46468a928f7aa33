/** A report for a person at a terminal: the verdict, the ranked suspects with their evidence, then the tables. */
import type { Column, ReportResult, Result, RowOrigin, ShapeResult, SourceResult, SuspectResult } from '../result.ts';
import { clip, displayWidth, pad, shellWord, visible, wrap } from './escape.ts';
import { formatAddress, formatBytes, formatCount, formatDuration, formatNumber, formatShare, sentenceText } from './format.ts';
import type { Paint } from './paint.ts';
import { tableLines } from './table.ts';

/** How a report is to look. */
export interface ReportTextOptions {
  /** Columns; lines are never wider. */
  readonly width: number;
  readonly paint: Paint;
  /** Rows of each table; the rest is counted on its last line. */
  readonly rows: number;
  /** Suspects shown in full. */
  readonly suspects: number;
  /** Shows what V8 and Node made as rows of their own. */
  readonly internals: boolean;
  /** How the tool was started, for the lines that can be typed. */
  readonly program: string;
  /** Time that reading took, in milliseconds. */
  readonly elapsed: number | undefined;
}

const GUTTER = 11;
/** Suspects shown in full when nothing else is asked for. */
export const DEFAULT_SUSPECTS = 5;
/** Table rows shown when nothing else is asked for. */
export const DEFAULT_ROWS = 12;

/** A labelled block: the label in the gutter of the first line, the text beside it. */
function block(label: string, lines: readonly string[], paint: Paint): string[] {
  return lines.map((line, at) =>
    at === 0 ? `${paint('heading', label)}${' '.repeat(GUTTER - label.length)}${line}` : `${' '.repeat(GUTTER)}${line}`.trimEnd(),
  );
}

function paragraph(text: string, width: number, first: string, rest: string): string[] {
  return wrap(text, width - Math.max(first.length, rest.length)).map((line, at) => (at === 0 ? first : rest) + line);
}

const lastPart = (path: string): string => path.split('/').at(-1) ?? path;

/** The program that the process ran: its first argument that is no option, as far as argv tells. */
function programOf(source: SourceResult): string {
  const script = source.process.argv.slice(1).find((argument) => !argument.startsWith('-'));
  return script ?? source.process.command;
}

function headerLines(source: SourceResult, options: ReportTextOptions): string[] {
  const { process, runtime, heap } = source;
  const isSnapshot = source.kind === 'heapsnapshot';
  const maker = source.writer === 'gcore' ? 'gcore' : source.writer === 'kernel' ? 'kernel core' : 'core';
  const binary = { 'build-id': 'binary matches', mismatch: 'BINARY DOES NOT MATCH', absent: 'no binary' }[runtime.binary.match];
  const isolates = heap.isolates.length > 1 ? `${formatCount(heap.isolates.length)} isolates` : '';
  const identity = [
    `${maker} of node ${visible(runtime.node)} (${visible(runtime.arch)})`,
    `pid ${process.pid}`,
    visible(programOf(source)),
    process.signal === undefined ? '' : `ended by ${visible(process.signal)}`,
  ];
  const facts = [
    ...(isSnapshot ? ['heap snapshot'] : identity),
    `V8 heap ${formatBytes(heap.bytes)}${heap.limitBytes === undefined ? '' : ` of ${formatBytes(heap.limitBytes)} limit`}`,
    heap.externalBytes === undefined || heap.externalBytes === 0 ? '' : `${formatBytes(heap.externalBytes)} outside of it`,
    isolates,
    isSnapshot ? '' : binary,
    options.elapsed === undefined ? '' : `read in ${formatDuration(options.elapsed)}`,
  ].filter((fact) => fact !== '');
  const title = wrap(visible(lastPart(source.path)), options.width);
  const lines: string[] = [];
  let line = '';
  for (const [at, fact] of facts.entries()) {
    const piece = at === facts.length - 1 ? fact : `${fact},`;
    if (line !== '' && displayWidth(line) + 1 + displayWidth(piece) > options.width - GUTTER) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? piece : ` ${piece}`;
  }
  lines.push(line);
  const body = lines.flatMap((each) => wrap(each, options.width - GUTTER));
  const [name = ''] = title;
  if (title.length === 1 && displayWidth(name) < GUTTER - 1)
    return [
      `${options.paint('strong', name)}${' '.repeat(GUTTER - displayWidth(name))}${body[0] ?? ''}`,
      ...body.slice(1).map((each) => ' '.repeat(GUTTER) + each),
    ];
  return [...title.map((each) => options.paint('strong', each)), ...body.map((each) => ' '.repeat(GUTTER) + each)];
}

/** Reasons of a suspect that are shown. */
const MAX_REASONS = 3;
const CONFIDENCE_STYLE = { high: 'bad', medium: 'warn', low: 'faint' } as const;

function suspectLines(suspect: SuspectResult, hasRetained: boolean, options: ReportTextOptions): string[] {
  const { width, paint } = options;
  const rank = `${pad(String(suspect.rank), 2, 'left')}  `;
  const bytes = hasRetained ? (suspect.retainedBytes ?? 0) : suspect.shallowBytes;
  const shareOf = hasRetained ? suspect.retainedShare : suspect.shallowShare;
  const size = bytes > 0 ? formatBytes(bytes) : '';
  const part = shareOf === undefined ? '' : formatShare(shareOf);
  const figures = `${pad(size, 10, 'left')}  ${pad(part, 6, 'left')}  ${pad(suspect.confidence, 6, 'right')}`;
  const painted = `${pad(size, 10, 'left')}  ${pad(part, 6, 'left')}  ${paint(CONFIDENCE_STYLE[suspect.confidence], suspect.confidence)}`;
  const title = sentenceText(suspect.title);
  const room = width - rank.length - displayWidth(figures) - 2;
  const lines: string[] = [];
  if (displayWidth(title) <= room) lines.push(`${rank}${paint('strong', pad(title, room, 'right'))}  ${painted}`);
  else {
    const wrapped = wrap(title, width - rank.length);
    lines.push(...wrapped.map((line, at) => (at === 0 ? rank : '    ') + paint('strong', line)));
    lines.push(`${' '.repeat(rank.length + room + 2)}${painted}`);
  }
  const evidence = (label: string, texts: readonly string[]): void => {
    for (const [at, text] of texts.entries()) lines.push(...paragraph(text, width, `    ${at === 0 ? pad(label, 6, 'right') : ' '.repeat(6)}`, ' '.repeat(12)));
  };
  const speakFor = suspect.reasons.filter((reason) => !reason.against).map((reason) => sentenceText(reason.text));
  const left = speakFor.length - MAX_REASONS;
  evidence('why', [...speakFor.slice(0, MAX_REASONS), ...(left > 0 ? [`(${formatCount(left)} more: --format json)`] : [])]);
  evidence(
    'but',
    suspect.reasons.filter((reason) => reason.against).map((reason) => sentenceText(reason.text)),
  );
  if (suspect.route.length > 0) evidence('path', [sentenceText(suspect.route)]);
  if (suspect.code !== undefined) {
    const { name, script, line, column } = suspect.code;
    const place = line === undefined ? script : `${script}:${line}${column === undefined ? '' : `:${column}`}`;
    evidence('code', [`${visible(name === '' ? '(anonymous)' : name)}  ${visible(place)}`]);
  }
  if (suspect.representative !== undefined) {
    const example = suspect.example === undefined ? '' : `  ${visible(suspect.example)}`;
    evidence('e.g.', [`${formatAddress(suspect.representative)}${example}`]);
  }
  return lines;
}

function suspectsBlock(report: ReportResult, options: ReportTextOptions): string[] {
  const { paint, width } = options;
  if (report.suspects.length === 0) return block('SUSPECTS', ['none'], paint);
  const shown = report.suspects.slice(0, options.suspects);
  const hasRetained = report.suspects.some((suspect) => suspect.retainedBytes !== undefined);
  const note = `${hasRetained ? ' retained' : 'own bytes'}  heap   sure`;
  const lines = [`${paint('heading', 'SUSPECTS')}${paint('faint', pad(note, width - 8, 'left'))}`];
  for (const [at, suspect] of shown.entries()) lines.push(...(at === 0 ? [] : ['']), ...suspectLines(suspect, hasRetained, options));
  const left = report.totals.suspects - shown.length;
  if (left > 0) lines.push('', `    (${formatCount(left)} more: --top ${report.totals.suspects})`);
  return lines;
}

function memoryBlock(source: SourceResult, options: ReportTextOptions): string[] {
  const { paint, width } = options;
  const rows = source.memory.filter((row) => row.bytes > 0);
  if (rows.length === 0) return [];
  const total = rows.reduce((sum, row) => sum + row.bytes, 0);
  const labels = rows.map((row) => visible(row.what));
  const room = Math.min(Math.max(...labels.map(displayWidth), 'in the file'.length), width - 36);
  const bar = (value: number): string => {
    const filled = Math.round((value / total) * 10);
    return '█'.repeat(filled) + '░'.repeat(10 - filled);
  };
  return [
    paint('heading', 'MEMORY'),
    ...rows.map(
      (row, at) =>
        ` ${pad(clip(labels[at] ?? '', room), room, 'right')}  ${pad(formatBytes(row.bytes), 10, 'left')}  ${pad(formatShare(row.bytes / total), 6, 'left')}  ${bar(row.bytes)}`,
    ),
    ` ${pad('in the file', room, 'right')}  ${pad(formatBytes(total), 10, 'left')}`,
  ];
}

function spacesBlock(source: SourceResult, options: ReportTextOptions): string[] {
  const { isolates, spaces } = source.heap;
  const rows = spaces.filter((space) => space.pages > 0 || space.objects > 0);
  if (rows.length === 0) return [];
  const many = isolates.length > 1;
  const nameOf = (isolate: number | undefined): string => {
    if (!many) return '';
    if (isolate === undefined) return 'shared ';
    const at = isolates.findIndex((row) => row.address === isolate);
    const kind = isolates[at]?.kind ?? 'isolate';
    const before = isolates.slice(0, Math.max(0, at)).filter((row) => row.kind === kind).length;
    return kind === 'main' ? 'main ' : `${kind} ${before + 1} `;
  };
  const table: Result = {
    columns: [
      { key: 'space', kind: 'text', title: 'V8 space' },
      { key: 'bytes', kind: 'bytes', title: 'bytes' },
      { key: 'objects', kind: 'count', title: 'objects' },
      { key: 'pages', kind: 'count', title: 'pages' },
    ],
    rows: rows.map((row) => ({ space: nameOf(row.isolate) + row.name, bytes: row.bytes, objects: row.objects, pages: row.pages })),
  };
  return [options.paint('heading', 'SPACES'), ...tableLines(table, options.width - 1, options.paint).map((line) => ` ${line}`)];
}

/** Kinds that have a table of their own, or none that says much. */
const HIDDEN_KINDS: readonly string[] = ['function', 'string', 'number', 'context', 'internal'];
const isInternal = (origin: RowOrigin): boolean => origin === 'internal' || origin === 'node';
const isFolded = (row: ShapeResult): boolean => isInternal(row.origin) || HIDDEN_KINDS.includes(row.kind);

/** `AuditRecord: user, action, …` as wide as there is room. */
function shapeLabel(row: ShapeResult): string {
  // Every array has a length: only what else it has tells it from others.
  const named = row.kind === 'array' ? row.properties.filter((property) => property !== 'length') : row.properties;
  const more = named.length > 16 || row.propertyCount > row.properties.length ? ', …' : '';
  return named.length === 0 ? row.constructorName : `${row.constructorName}: ${named.slice(0, 16).join(', ')}${more}`;
}

/** The column of retained sizes, where there are any. */
function retainedColumn(rows: readonly { readonly retainedBytes: number | undefined }[]): Column[] {
  return rows.some((row) => row.retainedBytes !== undefined) ? [{ key: 'retainedBytes', kind: 'bytes', title: 'retained' }] : [];
}

function shapesBlock(report: ReportResult, options: ReportTextOptions): string[] {
  const { paint, width } = options;
  const live = report.shapes.filter((row) => row.instances > 0);
  const folded = options.internals ? [] : live.filter(isFolded);
  const rows = options.internals ? live : live.filter((row) => !isFolded(row));
  const shown = rows.slice(0, options.rows);
  const table: Result = {
    columns: [
      { key: 'instances', kind: 'count', title: 'instances' },
      { key: 'shallowBytes', kind: 'bytes', title: 'own bytes' },
      ...retainedColumn(shown),
      ...(shown.some((row) => row.unreachable > 0) ? [{ key: 'unreachable', kind: 'count' as const, title: 'garbage' }] : []),
      ...(width >= 100 ? [{ key: 'representative', kind: 'address' as const, title: 'e.g.' }] : []),
      { key: 'shape', kind: 'shape', title: 'shape' },
    ],
    rows: shown.map((row) => ({
      instances: row.instances,
      shallowBytes: row.shallowBytes,
      retainedBytes: row.retainedBytes,
      unreachable: row.unreachable,
      representative: row.representative,
      shape: shapeLabel(row),
    })),
  };
  const notes: string[] = [];
  const left = rows.length - shown.length + report.totals.shapes - report.shapes.length;
  if (left > 0) notes.push(`${formatCount(left)} more: --top ${formatPlain(report.totals.shapes)}`);
  if (folded.length > 0) {
    const bytes = folded.reduce((sum, row) => sum + row.shallowBytes, 0);
    notes.push(`${formatNumber(folded.length, 'shape')} of V8, Node and functions folded, ${formatBytes(bytes)}: --internals`);
  }
  const order = rows.some((row) => row.retainedBytes !== undefined) ? 'retained size' : 'own bytes';
  return [paint('heading', `SHAPES by ${order}`), ...tableLines(table, width - 1, paint).map((line) => ` ${line}`), ...noteLines(notes, width)];
}

/** A number that is to be typed: no separators. */
const formatPlain = (value: number): string => String(value);

function noteLines(notes: readonly string[], width: number): string[] {
  return notes.flatMap((note) => paragraph(`(${note})`, width, ' ', ' '));
}

function functionsBlock(report: ReportResult, options: ReportTextOptions): string[] {
  const { paint, width } = options;
  const rows = report.functions.filter((row) => row.instances > 1 && (options.internals || row.origin === 'application'));
  const hidden = report.functions.filter((row) => row.instances > 1).length - rows.length;
  const notes: string[] = [];
  const shown = rows.slice(0, options.rows);
  if (rows.length > shown.length) notes.push(`${formatCount(rows.length - shown.length)} more: --top ${formatPlain(report.totals.functions)}`);
  if (hidden > 0) notes.push(`${formatNumber(hidden, 'function')} of Node and V8 folded: --internals`);
  if (shown.length === 0)
    return [paint('heading', 'FUNCTIONS by closures'), ' no function of the application has more than one closure', ...noteLines(notes, width)];
  const table: Result = {
    columns: [
      { key: 'instances', kind: 'count', title: 'closures' },
      { key: 'shallowBytes', kind: 'bytes', title: 'own bytes' },
      ...retainedColumn(shown),
      { key: 'name', kind: 'text', title: 'function' },
      { key: 'place', kind: 'source-location', title: 'defined at' },
    ],
    rows: shown.map((row) => ({
      instances: row.instances,
      shallowBytes: row.shallowBytes,
      retainedBytes: row.retainedBytes,
      name: row.name === '' ? '(anonymous)' : row.name,
      place: row.script === undefined ? undefined : [row.script, row.line, row.column].filter((each) => each !== undefined).join(':'),
    })),
  };
  return [paint('heading', 'FUNCTIONS by closures'), ...tableLines(table, width - 1, paint).map((line) => ` ${line}`), ...noteLines(notes, width)];
}

function coverageBlock(source: SourceResult, options: ReportTextOptions): string[] {
  const { coverage, heap } = source;
  const dead = heap.objects - heap.reachableObjects;
  const state = coverage.complete ? 'complete' : 'NOT COMPLETE';
  const isSnapshot = source.kind === 'heapsnapshot';
  const walked = [
    `${state}: ${formatBytes(coverage.walkedBytes)} walked on ${formatNumber(coverage.heapPages, 'page')}, ${formatBytes(coverage.skippedBytes)} skipped, ${formatBytes(coverage.missingBytes)} missing from the file`,
    `${formatCount(heap.reachableObjects)} live and ${formatCount(dead)} dead objects`,
  ];
  const texts = [
    ...(isSnapshot ? [`${state}: ${formatNumber(heap.objects, 'object')} of the file, ${formatBytes(heap.bytes)}`] : walked),
    ...coverage.problems
      .slice(0, 5)
      .map((p) => `${visible(p.kind)}: ${formatCount(p.count)}${p.firstAddress === undefined ? '' : `, first at ${formatAddress(p.firstAddress)}`}`),
    ...(coverage.problems.length > 5 ? [`${formatCount(coverage.problems.length - 5)} more kinds of problem: --format json`] : []),
    ...source.warnings.map((warning) => `${isSnapshot ? 'note' : 'warning'}: ${visible(warning)}`),
  ];
  return block(
    'COVERAGE',
    texts.flatMap((text) => wrap(text, options.width - GUTTER)),
    options.paint,
  );
}

function nextBlock(source: SourceResult, options: ReportTextOptions): string[] {
  const { binary } = source.runtime;
  const target = [shellWord(source.path), ...(binary.path === undefined ? [] : ['--binary', shellWord(binary.path)])];
  const commands = [
    ['report', ...target, '--internals', '--top 50'],
    ['report', ...target, '--format json'],
    ...(source.kind === 'core' ? [['doctor', ...target]] : []),
  ];
  return block(
    'NEXT',
    commands.flatMap((words) => commandLines([options.program, ...words], options.width - GUTTER)),
    options.paint,
  );
}

/**
 * Lays out a command over lines that a shell reads as one: broken between words only, with a backslash at the end of each line but the last.
 * A word wider than the screen stays whole: cut, it would be wrong.
 */
export function commandLines(words: readonly string[], width: number): string[] {
  const whole = words.join(' ');
  if (displayWidth(whole) <= width) return [whole];
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > width - 2) {
      lines.push(`${line} \\`);
      line = `  ${word}`;
    } else line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** Prints a report for a terminal, a file or a mail: lines of at most `options.width` columns, ending in a newline. */
export function reportText(report: ReportResult, options: ReportTextOptions): string {
  const source = report.sources.at(-1);
  if (source === undefined) return '';
  const verdict = report.verdict.sentences.flatMap((sentence) => wrap(sentenceText(sentence), options.width - GUTTER));
  const blocks = [
    ...report.sources.map((each) => headerLines(each, { ...options, elapsed: each === source ? options.elapsed : undefined })),
    block('VERDICT', verdict, options.paint),
    suspectsBlock(report, options),
    memoryBlock(source, options),
    spacesBlock(source, options),
    shapesBlock(report, options),
    functionsBlock(report, options),
    coverageBlock(source, options),
    nextBlock(source, options),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}
