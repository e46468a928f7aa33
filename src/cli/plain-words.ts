/**
 * Reads plain command lines with Node's own parser: yargs takes longer to load than a small core to read. Whatever is not plain (help, mistakes, anything that the two
 * might take for different things) is left to yargs, whose word counts.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Values by option name, as yargs hands them out: strings, `true` for a flag, and the positional words under `words`. */
interface PlainLine {
  readonly verb: string;
  readonly values: Readonly<Record<string, string | true>>;
  readonly words: readonly string[];
}

/** Options of one verb that may stand on a plain line. */
export interface PlainRules {
  /** Options with a value: the long names, each with its letter or none. */
  readonly strings: Readonly<Record<string, string | undefined>>;
  readonly flags: readonly string[];
  /** How many positional words there must and may be. */
  readonly least: number;
  readonly most: number;
}

/** Words that yargs reads in a way of its own: values of a flag before them, quoted ones, none. */
const isOdd = (word: string): boolean => word === 'true' || word === 'false' || !/^[^-"']/.test(word);

function parse(args: string[], rule: PlainRules) {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, short] of Object.entries(rule.strings)) options[name] = short === undefined ? { type: 'string' } : { type: 'string', short };
  for (const name of rule.flags) options[name] = { type: 'boolean' };
  try {
    return parseArgs({ args, options, allowPositionals: true, tokens: true });
  } catch {
    return undefined;
  }
}

/** What `argv` says, its first word being a verb of `rules`; undefined unless every word is an option spelled in full, its value, or a positional word. */
export function readPlainLine(argv: readonly string[], rules: Readonly<Record<string, PlainRules>>): PlainLine | undefined {
  const [verb, ...rest] = argv;
  const rule = verb === undefined || !Object.hasOwn(rules, verb) ? undefined : rules[verb];
  const parsed = rule === undefined ? undefined : parse(rest, rule);
  if (verb === undefined || rule === undefined || parsed === undefined) return undefined;
  const values: Record<string, string | true> = {};
  for (const token of parsed.tokens) {
    if (token.kind === 'option-terminator') return undefined;
    if (token.kind === 'positional') {
      if (isOdd(token.value)) return undefined;
      continue;
    }
    const isJoined = token.inlineValue === true && !token.rawName.startsWith('--');
    if (Object.hasOwn(values, token.name) || isJoined || (token.value !== undefined && isOdd(token.value))) return undefined;
    values[token.name] = token.value ?? true;
  }
  const words = parsed.positionals;
  return words.length >= rule.least && words.length <= rule.most ? { verb, values, words } : undefined;
}
