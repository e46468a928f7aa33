/** The command line as typed data: what was asked for, or what is wrong with it. */
import { existsSync } from 'node:fs';
import type { Argv } from 'yargs';
import { UsageError } from './failure.ts';
import { type PlainRules, readPlainLine } from './plain-words.ts';
import { nearest } from './suggest.ts';

/** Options of every verb. */
interface CommonOptions {
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}

/** How sources are opened. */
export interface SourceOptions {
  readonly binary: string | undefined;
  readonly sysroot: string | undefined;
  readonly force: boolean;
}

/** `coreleak report`, also when no verb is given. */
export interface ReportInvocation extends CommonOptions, SourceOptions {
  readonly verb: 'report';
  readonly sources: readonly string[];
  readonly format: 'text' | 'json';
  readonly output: string | undefined;
  readonly top: number | undefined;
  readonly strings: boolean;
  readonly internals: boolean;
  /** Whether retained sizes, holders and paths are worked out. */
  readonly retained: boolean;
  readonly failOn: 'high' | 'medium' | 'low' | undefined;
}

/** `coreleak export`. */
export interface ExportInvocation extends CommonOptions, SourceOptions {
  readonly verb: 'export';
  readonly source: string;
  /** The kind of file that is written. */
  readonly to: 'heapsnapshot';
  /** `-` for stdout. */
  readonly output: string;
  readonly strings: boolean;
}

/** `coreleak doctor`. */
export interface DoctorInvocation extends CommonOptions, SourceOptions {
  readonly verb: 'doctor';
  readonly source: string | undefined;
}

/** `coreleak demo`. */
export interface DemoInvocation extends CommonOptions {
  readonly verb: 'demo';
}

/** What was asked for. `help` prints `text`, on stderr with exit code 2 when nothing was asked at all. */
export type Invocation = ReportInvocation | ExportInvocation | DoctorInvocation | DemoInvocation | { readonly verb: 'help'; readonly text: string; readonly asked: boolean };

const VERBS = ['report', 'export', 'doctor', 'demo'] as const;
const LEVELS = ['high', 'medium', 'low'] as const;
type Level = (typeof LEVELS)[number];
const isLevel = (value: string): value is Level => LEVELS.some((level) => level === value);

const OPTIONS = [
  'binary',
  'sysroot',
  'force',
  'format',
  'output',
  'to',
  'top',
  'strings',
  'internals',
  'no-retained',
  'fail-on-suspects',
  'no-color',
  'quiet',
  'verbose',
  'help',
  'version',
];

type Values = Readonly<Record<string, unknown>>;
/** An option that is given twice counts as it was given last. */
const last = (value: unknown): unknown => (Array.isArray(value) ? value.at(-1) : value);
function text(values: Values, key: string): string | undefined {
  const value = last(values[key]);
  return typeof value === 'string' ? value : undefined;
}
const flag = (values: Values, key: string): boolean => last(values[key]) === true;
const list = (values: Values, key: string): string[] => (Array.isArray(values[key]) ? values[key].map(String) : []);

/** `--fail-on-suspects` may stand without a level; before a source or another option it would take that for one. */
function withLevel(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const standsAlone = (next: string | undefined): boolean => next === undefined || (!isLevel(next) && (next.startsWith('-') || existsSync(next)));
  return argv.map((word, at) => (word === '--fail-on-suspects' && (end < 0 || at < end) && standsAlone(argv[at + 1]) ? '--fail-on-suspects=low' : word));
}

/** Options whose next word belongs to them. */
const WITH_VALUE: readonly string[] = ['--binary', '--sysroot', '--format', '-f', '--output', '-o', '--to', '--top', '--fail-on-suspects'];

/**
 * Puts the verb first: `report` where a source is given without one. A first word that is no file but nearly a verb is taken for a slip.
 * @throws {UsageError} for such a slip
 */
function withVerb(argv: readonly string[]): string[] {
  const at = argv.findIndex((word, index) => (!word.startsWith('-') || word === '-') && !WITH_VALUE.includes(argv[index - 1] ?? ''));
  const first = argv[at];
  if (first === undefined || VERBS.some((verb) => verb === first)) return [...argv];
  if (existsSync(first) || !/^[a-z]+$/i.test(first)) return ['report', ...argv];
  const meant = nearest(first, VERBS);
  if (meant !== undefined) throw new UsageError(`unknown verb ${first}`, `did you mean coreleak ${meant}?`);
  const next = argv[at + 1];
  if (next !== undefined && !next.startsWith('-'))
    throw new UsageError(`unknown verb ${first}, and no file of that name`, `verbs: ${VERBS.join(', ')}; coreleak --help says more`);
  return ['report', ...argv];
}

function requireFormat(values: Values): 'text' | 'json' {
  const format = text(values, 'format') ?? 'text';
  if (format === 'text' || format === 'json') return format;
  if (format === 'markdown' || format === 'html') throw new UsageError(`format ${format} is not available yet`, 'available: text, json');
  throw new UsageError(`unknown format ${format}`, 'available: text, json');
}

function requireTop(values: Values): number | undefined {
  const top = text(values, 'top');
  if (top === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(top)) throw new UsageError(`--top wants a number from 1 on, not ${top === '' ? 'nothing' : top}`);
  return Number(top);
}

function requireLevel(values: Values): Level | undefined {
  const level = text(values, 'fail-on-suspects');
  if (level === undefined) return undefined;
  if (!isLevel(level)) throw new UsageError(`--fail-on-suspects wants high, medium or low, not ${level}`);
  return level;
}

const common = (values: Values): CommonOptions => ({ quiet: flag(values, 'quiet'), verbose: flag(values, 'verbose'), color: !flag(values, 'no-color') });
const opening = (values: Values): SourceOptions => ({ binary: text(values, 'binary'), sysroot: text(values, 'sysroot'), force: flag(values, 'force') });

function reportInvocation(values: Values, sources: readonly string[]): ReportInvocation {
  return {
    verb: 'report',
    ...common(values),
    ...opening(values),
    sources,
    format: requireFormat(values),
    output: text(values, 'output'),
    top: requireTop(values),
    strings: flag(values, 'strings'),
    internals: flag(values, 'internals'),
    retained: !flag(values, 'no-retained'),
    failOn: requireLevel(values),
  };
}

/** Other kinds are named, so that who reads of them in the contract learns that it is not the spelling. */
function requireKind(values: Values): 'heapsnapshot' {
  const kind = text(values, 'to');
  const hint = 'available: heapsnapshot';
  if (kind === 'heapsnapshot') return kind;
  if (kind === undefined) throw new UsageError('export wants a kind of file: --to KIND', hint);
  throw new UsageError(kind === 'sqlite' || kind === 'ndjson' ? `export to ${kind} is not available yet` : `unknown kind ${kind}`, hint);
}

function exportInvocation(values: Values): ExportInvocation {
  const to = requireKind(values);
  const output = text(values, 'output');
  if (output === undefined) throw new UsageError('export wants a file to write: -o FILE', '-o - writes to stdout');
  return { verb: 'export', ...common(values), ...opening(values), source: text(values, 'source') ?? '', to, output, strings: flag(values, 'strings') };
}

function withOpening(yargs: Argv): Argv {
  return yargs
    .option('binary', { type: 'string', requiresArg: true, describe: 'the node executable that wrote the core (default: the one that the core names)' })
    .option('sysroot', { type: 'string', requiresArg: true, describe: 'folder with the files of the machine that wrote the core' })
    .option('force', { type: 'boolean', describe: 'go on although the binary has another build id' });
}

function withReport(yargs: Argv): Argv {
  return withOpening(yargs)
    .option('format', { alias: 'f', type: 'string', requiresArg: true, describe: 'text or json (default: text)' })
    .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'write to this file instead of stdout' })
    .option('top', { type: 'string', requiresArg: true, describe: 'at most so many rows in each list' })
    .option('strings', { type: 'boolean', describe: 'show string contents in examples; they may be secret' })
    .option('internals', { type: 'boolean', describe: "show V8's and Node's own objects as rows" })
    .option('no-retained', { type: 'boolean', describe: 'leave out retained sizes, holders and paths: counts alone, and faster' })
    .option('fail-on-suspects', { type: 'string', describe: 'exit with 1 when there is a suspect of this confidence: high, medium or low (default: low)' });
}

const REPORT_EXAMPLES: [string, string][] = [
  ['$0 report core', 'what leaked'],
  ['$0 report core --binary ./node', 'with the node that wrote it'],
  ['$0 report core -f json -o out.json', 'for scripts'],
  ['$0 report core --fail-on-suspects', 'for CI: exit 1 on suspects'],
];

/** Turns yargs' own complaints into ours, with the option that was probably meant. */
function usageError(message: string, argv: readonly string[]): UsageError {
  const unknown = /^Unknown (?:arguments?|commands?): (.+)$/.exec(message)?.[1];
  if (unknown !== undefined) {
    const [first = ''] = unknown.split(', ');
    if (argv.includes(first)) return new UsageError(`unexpected argument ${first}`);
    const meant = nearest(first, OPTIONS);
    const shown = first.length === 1 ? `-${first}` : `--${first}`;
    return new UsageError(`unknown option ${shown}`, meant === undefined ? 'coreleak --help lists the options' : `did you mean --${meant}?`);
  }
  const wanting = /^Not enough arguments following: (\S+)/.exec(message)?.[1];
  if (wanting !== undefined) return new UsageError(`${wanting.length === 1 ? '-' : '--'}${wanting} wants a value`);
  if (message.startsWith('Not enough non-option arguments')) return new UsageError('a source is missing', 'give a core file: coreleak report core.1234');
  const [line = ''] = message.split('\n');
  return new UsageError(line.charAt(0).toLowerCase() + line.slice(1));
}

const COMMON_FLAGS = ['no-color', 'quiet', 'verbose'];
const OPENING_STRINGS = { binary: undefined, sysroot: undefined };
const OUTPUT_STRINGS = { output: 'o' };

/** What plain lines may hold: the options of `parseWithYargs`, but for help and version. */
const PLAIN: Readonly<Record<string, PlainRules>> = {
  report: {
    strings: { ...OPENING_STRINGS, ...OUTPUT_STRINGS, format: 'f', top: undefined, 'fail-on-suspects': undefined },
    flags: [...COMMON_FLAGS, 'force', 'strings', 'internals', 'no-retained'],
    least: 1,
    most: Number.POSITIVE_INFINITY,
  },
  export: { strings: { ...OPENING_STRINGS, ...OUTPUT_STRINGS, to: undefined }, flags: [...COMMON_FLAGS, 'force', 'strings'], least: 1, most: 1 },
  doctor: { strings: OPENING_STRINGS, flags: [...COMMON_FLAGS, 'force'], least: 0, most: 1 },
  demo: { strings: {}, flags: COMMON_FLAGS, least: 0, most: 0 },
};

/** The invocation that a plain line is; undefined when the line is not plain. */
function parsePlain(words: readonly string[]): Invocation | undefined {
  const line = readPlainLine(words, PLAIN);
  if (line === undefined) return undefined;
  const values: Values = { ...line.values, source: line.words[0] };
  switch (line.verb) {
    case 'report':
      return reportInvocation(values, line.words);
    case 'export':
      return exportInvocation(values);
    case 'doctor':
      return { verb: 'doctor', ...common(values), ...opening(values), source: line.words[0] };
    default:
      return { verb: 'demo', ...common(values) };
  }
}

/** How a command line is shown and read. */
interface ParseOptions {
  readonly version: string;
  /** Width of help. */
  readonly columns: number;
}

/**
 * Reads the words of a command line. yargs is loaded when they ask for help, or are not plain.
 * @throws {UsageError} when they make no sense
 */
export async function parseCommandLine(argv: readonly string[], options: ParseOptions): Promise<Invocation> {
  if (argv.length === 1 && argv[0] === '--version') return { verb: 'help', text: `${options.version}\n`, asked: true };
  return parsePlain(withLevel(withVerb(argv))) ?? (await parseWithYargs(argv, options));
}

/**
 * As `parseCommandLine`, whatever the words are.
 * @throws {UsageError} when they make no sense
 */
export async function parseWithYargs(argv: readonly string[], options: ParseOptions): Promise<Invocation> {
  const { default: yargs } = await import('yargs');
  const chosen: { invocation?: Invocation } = {};
  const choose = (make: (values: Values) => Invocation) => (values: Values) => {
    chosen.invocation = make(values);
  };
  const words = withLevel(withVerb(argv));
  const parser = yargs(words)
    .scriptName('coreleak')
    .usage(
      'coreleak <source> [options]   the same as coreleak report <source>\ncoreleak <verb> ...\n\nSays what leaked in a Node.js process, from its core file.',
    )
    .parserConfiguration({ 'boolean-negation': false, 'camel-case-expansion': false, 'parse-numbers': false, 'parse-positional-numbers': false })
    .option('no-color', { type: 'boolean', global: true, describe: 'no colours, also with NO_COLOR set' })
    .option('quiet', { type: 'boolean', global: true, describe: 'no progress on stderr' })
    .option('verbose', { type: 'boolean', global: true, describe: 'times of the phases, and stack traces of errors' })
    .command(
      'report <source..>',
      'ranked findings of one or more core files',
      (y) =>
        withReport(y as Argv)
          .usage(
            'coreleak report <source...> [options]\n\nWhat is in the heap of a core file, and what looks like a leak. Of several sources, the last one is ranked.',
          )
          .example(REPORT_EXAMPLES),
      choose((values) => reportInvocation(values, list(values, 'source'))),
    )
    .command(
      'export <source>',
      'write the object graph as a file that other programs open',
      (y) =>
        withOpening(y as Argv)
          .option('to', { type: 'string', requiresArg: true, describe: 'heapsnapshot: opens in Chrome DevTools' })
          .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'the file to write; - for stdout' })
          .option('strings', { type: 'boolean', describe: 'write string contents too; they may be secret' })
          .usage('coreleak export <source> --to KIND -o FILE [options]\n\nWrites the objects and references of a core file for other programs.')
          .example([['$0 export core --to heapsnapshot -o out.heapsnapshot', 'for the Memory tab of DevTools']]),
      choose((values) => exportInvocation(values)),
    )
    .command(
      'doctor [source]',
      'what this machine can do, and how well a core can be read',
      (y) =>
        withOpening(y as Argv)
          .usage(
            'coreleak doctor [core] [options]\n\nWhat works on this machine, what would add to it and how to install it; with a core, how well its heap layout is known.',
          )
          .example([
            ['$0 doctor', 'tools, limits, where cores go'],
            ['$0 doctor core.1234', 'how well this core can be read'],
          ]),
      choose((values) => ({ verb: 'doctor', ...common(values), ...opening(values), source: text(values, 'source') })),
    )
    .command(
      'demo',
      'make a small leaking server, take its core, analyse it',
      (y) =>
        y
          .usage('coreleak demo [options]\n\nRuns a small server that leaks, takes its core, and reports on it. Nothing else is needed.')
          .example([['$0 demo', 'under a minute']]),
      choose((values) => ({ verb: 'demo', ...common(values) })),
    )
    .example([...REPORT_EXAMPLES.slice(0, 3), ['$0 demo', 'see it work'], ['$0 report --help', 'all options']])
    .epilogue(
      'Exit codes: 0 analysed, 1 suspects found (--fail-on-suspects), 2 usage, 3 the input cannot be analysed, 4 an outside tool failed, 130 interrupted.',
    )
    .strict()
    .help()
    .alias('help', 'h')
    .describe({ help: 'what a verb does, and its options', version: 'the version of coreleak' })
    .version(options.version)
    .locale('en')
    .wrap(Math.max(40, Math.min(100, options.columns)))
    .exitProcess(false)
    .fail(false);
  let printed = '';
  try {
    await parser.parseAsync(words, {}, (_error: unknown, _values: unknown, output: string) => {
      printed = output;
    });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw error instanceof Error ? usageError(error.message, words) : error;
  }
  if (printed !== '') return { verb: 'help', text: `${printed}\n`, asked: true };
  const { invocation } = chosen;
  return invocation ?? { verb: 'help', text: `${await parser.getHelp()}\n`, asked: false };
}
