/** Plain command lines are read without yargs: what comes out is what yargs would have said. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCommandLine, parseWithYargs } from '../../../src/cli/options.ts';
import { readPlainLine } from '../../../src/cli/plain-words.ts';

const OPTIONS = { version: '9.9.9', columns: 80 };

async function outcome(parse: typeof parseCommandLine, argv: readonly string[]): Promise<unknown> {
  return parse(argv, OPTIONS).catch((error: unknown) => (error instanceof Error ? { error: error.message } : error));
}

const NAMES = ['binary', 'sysroot', 'force', 'format', 'output', 'to', 'top', 'strings', 'internals', 'no-retained', 'fail-on-suspects', 'no-color', 'quiet', 'verbose'];
const WORDS = ['core.1', 'a b', '/tmp/x', '7', '0x10', '1e3', 'json', 'text', 'low', 'heapsnapshot', 'true', 'false', '-', '', '--', '"q"', "'q'", 'a=b', 'null', '__proto__', '[1]', 'a.b'];
const SHORTS = ['-f', '-o', '-x', '-fo', '-f=json', '-ofile', '-1'];

const word = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...NAMES.map((name) => `--${name}`)) },
  { weight: 5, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 1, arbitrary: fc.constantFrom(...SHORTS, '--binry', '--constructor', '--no-quiet', '--no-no-color', '--a.b') },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...WORDS)).map(([name, value]) => `--${name}=${value}`) },
);
const line = fc.tuple(fc.constantFrom('report', 'export', 'doctor', 'demo'), fc.array(word, { maxLength: 6 })).map(([verb, rest]) => [verb, ...rest]);

describe('parseCommandLine', () => {
  it('says of every line what yargs says', async () => {
    await fc.assert(
      fc.asyncProperty(line, async (argv) => {
        expect(await outcome(parseCommandLine, argv)).toEqual(await outcome(parseWithYargs, argv));
      }),
      { numRuns: 300 },
    );
  }, 120_000);

  it.each([
    ['core.1'],
    ['report', 'core.1', 'core.2', '--binary', './node', '-f', 'json', '--output=x.json', '--top', '5', '--strings', '--internals', '--quiet', '--no-color'],
    ['core.1', '--fail-on-suspects'],
    ['report', 'core.1', '--fail-on-suspects', 'high', '--no-retained'],
    ['export', 'core.1', '--to', 'heapsnapshot', '-o', 'x'],
    ['doctor'],
    ['doctor', 'core.1', '--sysroot', '/r', '--force', '--verbose'],
    ['demo', '--quiet'],
    ['--version'],
  ])('says of %j... what yargs says', async (...argv) => {
    expect(await parseCommandLine(argv, OPTIONS)).toEqual(await parseWithYargs(argv, OPTIONS));
  });
});

describe('readPlainLine', () => {
  const rules = { report: { strings: { binary: 'b' }, flags: ['force'], least: 1, most: 2 } };

  it('takes options, their values and positional words apart', () => {
    expect(readPlainLine(['report', 'core', '-b', 'node', '--force', 'other'], rules)).toEqual({
      verb: 'report',
      values: { binary: 'node', force: true },
      words: ['core', 'other'],
    });
    expect(readPlainLine(['report', '--binary=a=b', 'core'], rules)?.values).toEqual({ binary: 'a=b' });
  });

  it.each([
    [[]],
    [['toString', 'core']],
    [['report']],
    [['report', 'a', 'b', 'c']],
    [['report', 'core', '--help']],
    [['report', 'core', '-h']],
    [['report', 'core', '--force=true']],
    [['report', 'core', '--force', 'true']],
    [['report', 'core', '--force', '--force']],
    [['report', 'core', '--binary']],
    [['report', 'core', '--binary', '-b']],
    [['report', 'core', '--binary', 'a', '-b', 'c']],
    [['report', 'core', '--binary=']],
    [['report', 'core', '--', 'x']],
    [['report', '-']],
    [['report', '']],
  ])('leaves %j to yargs', (argv) => {
    expect(readPlainLine(argv, rules)).toBeUndefined();
  });
});
