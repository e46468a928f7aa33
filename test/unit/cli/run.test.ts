import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tmp from 'tmp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseRoute } from '../../../src/cli/demo.ts';
import { run } from '../../../src/cli/run.ts';
import { editDistance, nearest } from '../../../src/cli/suggest.ts';
import { BinaryMismatchError, FaultError, MalformedInputError, UnsupportedError } from '../../../src/errors.ts';
import { census, fakeSource, shopCensus } from '../../support/fake-source.ts';
import { fakeMachine, fakeWorld } from '../../support/fake-io.ts';

let folder: string;
let core: string;
let dispose = (): void => undefined;
beforeAll(() => {
  const made = tmp.dirSync({ prefix: 'coreleak-cli-', unsafeCleanup: true });
  folder = made.name;
  dispose = made.removeCallback;
  core = join(folder, 'core.1');
  writeFileSync(core, '');
});
afterAll(() => {
  dispose();
});

async function coreleak(argv: string[], over: Parameters<typeof fakeWorld>[0] = {}): Promise<{ code: number; out: string; err: string }> {
  const world = fakeWorld(over);
  const code = await run(argv, world.io);
  return { code, out: world.out(), err: world.err() };
}

describe('help', () => {
  test('alone it prints help on stderr and exits with 2', async () => {
    const { code, out, err } = await coreleak([]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('coreleak <source> [options]');
  });
  test.each([[['--help']], [['report', '--help']], [['doctor', '-h']], [['demo', '--help']], [['core.9', '--help']]])(
    '%j prints help with examples on stdout',
    async (argv) => {
      const { code, out, err } = await coreleak(argv);
      expect([code, err]).toEqual([0, '']);
      expect(out).toContain('Examples:');
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    },
  );
  test('--version', async () => {
    expect(await coreleak(['--version'])).toEqual({ code: 0, out: '0.1.0\n', err: '' });
  });
});

describe('usage errors exit with 2', () => {
  test.each([
    [['rport', 'core.1'], 'unknown verb rport', 'did you mean coreleak report?'],
    [['docter'], 'unknown verb docter', 'did you mean coreleak doctor?'],
    [['frobnicate', 'core.1'], 'unknown verb frobnicate, and no file of that name', 'verbs: report, export, doctor, demo'],
    [['report'], 'a source is missing', 'coreleak report core.1234'],
    [['report', 'core.1', '--binry', 'x'], 'unknown option --binry', 'did you mean --binary?'],
    [['report', 'core.1', '--zzz'], 'unknown option --zzz', '--help lists the options'],
    [['--verbos'], 'unknown option --verbos', 'did you mean --verbose?'],
    [['report', 'core.1', '--binary'], '--binary wants a value', undefined],
    [['report', 'core.1', '-o'], '-o wants a value', undefined],
    [['report', 'core.1', '-f', 'markdown'], 'format markdown is not available yet', 'available: text, json'],
    [['report', 'core.1', '-f', 'html'], 'format html is not available yet', 'available: text, json'],
    [['report', 'core.1', '-f', 'yaml'], 'unknown format yaml', 'available: text, json'],
    [['report', 'core.1', '--top', '0'], '--top wants a number from 1 on, not 0', undefined],
    [['report', 'core.1', '--top', 'many'], '--top wants a number from 1 on, not many', undefined],
    [['report', 'core.1', '--fail-on-suspects=sure'], '--fail-on-suspects wants high, medium or low, not sure', undefined],
    [['report', 'core.1', '--fail-on-suspects', 'sure'], '--fail-on-suspects wants high, medium or low, not sure', undefined],
    [['demo', 'extra'], 'unexpected argument extra', undefined],
    [['doctor', 'a', 'b'], 'unexpected argument b', undefined],
  ])('%j', async (argv, message, hint) => {
    const { code, out, err } = await coreleak(argv);
    expect([code, out]).toEqual([2, '']);
    const [first, second] = err.split('\n');
    expect(first).toBe(`coreleak: error: ${message}`);
    if (hint === undefined) expect(second).toBe('');
    else expect(second).toContain(hint);
  });
});

describe('what cannot be analysed exits with 3', () => {
  const systemError = (code: string): Error => Object.assign(new Error(`${code}: open`), { code, path: '/x/core' });
  test.each([
    [systemError('ENOENT'), '/x/core: no such file'],
    [systemError('EACCES'), '/x/core: permission denied'],
    [systemError('EISDIR'), '/x/core: is a directory'],
    [new UnsupportedError('core.1 is the core of /usr/bin/sleep, not of Node'), 'core.1 is the core of /usr/bin/sleep, not of Node'],
    [new MalformedInputError('core.1', 64, 'p_offset', 'past the end'), 'core.1: p_offset at offset 64: past the end'],
    [new FaultError(0x1000, 8, 'not-saved'), 'cannot read 8 bytes at 0x1000: not-saved'],
    [new UnsupportedError('evil \x1b[2J'), 'evil \\e[2J'],
  ])('%s', async (error, message) => {
    const { code, out, err } = await coreleak([core], { openSource: () => Promise.reject(error) });
    expect([code, out]).toEqual([3, '']);
    expect(err.split('\n')[0]).toBe(`coreleak: error: ${message}`);
    expect(err).not.toMatch(/^\s+at /m);
  });
  test('another binary: says what to give', async () => {
    const { code, err } = await coreleak([core], { openSource: () => Promise.reject(new BinaryMismatchError('build ids differ: aa, bb', 'aa', 'bb')) });
    expect(code).toBe(3);
    expect(err).toContain('coreleak: hint: give the node that wrote the core with --binary, or analyse with this one anyway with --force\n');
  });
  test('the hint of the error itself comes first', async () => {
    const error = new UnsupportedError('no');
    error.hint = 'do this';
    expect((await coreleak([core], { openSource: () => Promise.reject(error) })).err).toBe('coreleak: error: no\ncoreleak: hint: do this\n');
  });
  test('the stack is shown with --verbose only', async () => {
    expect((await coreleak([core, '--verbose'], { openSource: () => Promise.reject(new TypeError('oops')) })).err).toMatch(/unexpected: oops[^]*\n\s+at /);
  });
  test('a missing file without a verb is a missing file', async () => {
    const { code } = await coreleak(['core'], { openSource: () => Promise.reject(systemError('ENOENT')) });
    expect(code).toBe(3);
  });
});

describe('report', () => {
  test('is what a source alone means', async () => {
    const bare = await coreleak([core, '--top', '3']);
    const spelled = await coreleak(['report', core, '--top', '3']);
    const timeless = (text: string): string => text.replace(/read\s+in [\d.]+ m?s/, '');
    expect(bare.code).toBe(0);
    expect(timeless(bare.out)).toBe(timeless(spelled.out));
    expect(bare.out).toMatch(/^core\.1 /);
    expect(bare.err).toBe('');
  });
  test('hands the options of the source on', async () => {
    const seen: unknown[] = [];
    const openSource = (path: string, options: object) => {
      seen.push(path, options);
      return Promise.resolve(fakeSource());
    };
    await coreleak(['--binary', 'node', '--sysroot', '/mnt', '--force', core], { openSource });
    await coreleak(['report', '1234'], { openSource });
    expect(seen).toEqual([core, { binary: 'node', sysroot: '/mnt', force: true }, '1234', {}]);
  });
  test('an option that is given twice counts as given last', async () => {
    const { out } = await coreleak([core, '-f', 'text', '--top', '9', '--quiet', '--quiet', '-f', 'json', '--top', '1']);
    expect(JSON.parse(out)).toMatchObject({ truncatedBy: '--top 1' });
  });
  test('--top counts application rows: what is folded takes no room', async () => {
    const { out } = await coreleak([core, '--top', '2']);
    expect(out).toContain('AuditRecord: user');
  });
  test('JSON of several sources', async () => {
    const { out } = await coreleak(['report', core, core, '-f', 'json']);
    expect((JSON.parse(out) as { sources: unknown[] }).sources).toHaveLength(2);
  });
  test.each([
    [['--fail-on-suspects'], 1],
    [['--fail-on-suspects', 'high'], 1],
    [['--fail-on-suspects=medium'], 1],
    [[], 0],
  ])('with suspects and %j exits with %i', async (options, code) => {
    expect((await coreleak(['report', ...options, core])).code).toBe(code);
    expect((await coreleak(['report', core, ...options])).code).toBe(code);
  });
  test('--fail-on-suspects is content with a clean heap', async () => {
    const openSource = () => Promise.resolve(fakeSource({ census: census({}) }));
    expect((await coreleak(['report', core, '--fail-on-suspects'], { openSource })).code).toBe(0);
  });
  test('colours only a terminal that wants them', async () => {
    const hasColour = async (argv: string[], over: Parameters<typeof fakeWorld>[0]): Promise<boolean> =>
      (await coreleak([core, ...argv], over)).out.includes('\x1b[');
    expect(await hasColour([], { isTTY: true, columns: 100 })).toBe(true);
    expect(await hasColour([], {})).toBe(false);
    expect(await hasColour(['--no-color'], { isTTY: true })).toBe(false);
    expect(await hasColour([], { isTTY: true, env: { NO_COLOR: '1' } })).toBe(false);
    expect(await hasColour([], { isTTY: true, env: { TERM: 'dumb' } })).toBe(false);
  });
  const slow = {
    openSource: () =>
      Promise.resolve(
        fakeSource({
          work: (options) => {
            for (const phase of ['read', 'walk', 'census', 'mark', 'names']) for (const share of [0, 0.5, 1]) options?.onProgress?.(phase, share);
            return Promise.resolve(shopCensus());
          },
        }),
      ),
  };
  test('--verbose prints each phase once, in order', async () => {
    const { err } = await coreleak([core, '--verbose'], slow);
    expect(
      err
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => /^time: (\w+) \d+$/.exec(line)?.[1]),
    ).toEqual(['open', 'read', 'walk', 'census', 'mark', 'names']);
  });
  test('progress is for terminals, and --quiet ends it', async () => {
    expect((await coreleak([core], { ...slow, isTTY: true })).err).toContain('core.1  open 0 %');
    expect((await coreleak([core, '--quiet'], { ...slow, isTTY: true })).err).toBe('');
    expect((await coreleak([core], slow)).err).toBe('');
  });
  test('Ctrl-C ends with 130 at once, whatever the work is at', async () => {
    const world = fakeWorld({ openSource: () => Promise.resolve(fakeSource({ work: () => new Promise(() => undefined) })) });
    const running = run([core], world.io);
    setTimeout(world.interrupt, 20);
    expect(await running).toBe(130);
    expect(world.out()).toBe('');
    expect(world.err()).toBe('coreleak: error: interrupted\n');
  });
});

describe('--output', () => {
  test('writes the whole file and nothing to stdout', async () => {
    const file = join(folder, 'out.json');
    expect(await coreleak([core, '-f', 'json', '-o', file])).toEqual({ code: 0, out: '', err: '' });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ schema: 'coreleak.report/1' });
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
  test('keeps the mode of a file that is there, and follows a link', async () => {
    const file = join(folder, 'private.txt');
    writeFileSync(file, 'old');
    chmodSync(file, 0o600);
    const link = join(folder, 'link.txt');
    symlinkSync(file, link);
    await coreleak([core, '-o', link]);
    expect(readFileSync(file, 'utf8')).toContain('VERDICT');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
  test('an old file stays when the analysis fails', async () => {
    const file = join(folder, 'kept.txt');
    writeFileSync(file, 'old');
    expect((await coreleak([core, '-o', file], { openSource: () => Promise.reject(new UnsupportedError('no')) })).code).toBe(3);
    expect(readFileSync(file, 'utf8')).toBe('old');
  });
  test('is checked before the work', async () => {
    const openSource = () => Promise.reject(new Error('must not be opened'));
    mkdirSync(join(folder, 'sub'));
    for (const [file, why] of [
      [join(folder, 'none', 'out.txt'), 'no such folder'],
      [join(folder, 'sub'), 'is a directory'],
    ] as const) {
      const { code, err } = await coreleak([core, '-o', file], { openSource });
      expect(code).toBe(2);
      expect(err).toContain(`cannot write ${file}: ${why}`);
    }
  });
  test('a device is written to, not replaced', async () => {
    expect((await coreleak([core, '-o', '/dev/null'])).code).toBe(0);
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });
});

describe('doctor', () => {
  test('looks at the machine alone', async () => {
    const { code, out } = await coreleak(['doctor'], { openSource: () => Promise.reject(new Error('not asked for')) });
    expect(code).toBe(0);
    expect(out).toMatch(/^THIS MACHINE\n node +ok +v22/);
  });
  test('and at a core, which it closes', async () => {
    const source = fakeSource();
    const { code, out } = await coreleak(['doctor', core], { openSource: () => Promise.resolve(source) });
    expect(code).toBe(0);
    expect(out).toMatch(/^LAYOUT of /);
    expect(source.closed()).toBe(1);
  });
});

describe('demo', () => {
  const PATTERN = '/proc/sys/kernel/core_pattern';
  const LIMITS = '/proc/self/limits';
  const limits = (hard: string): string => `Max core file size        0                    ${hard}            bytes\n`;
  test.each([
    ['core', 'unlimited', [], { by: 'kernel' }],
    ['core.%p', '4096', ['gcore'], { by: 'kernel' }],
    ['core', '0', ['gcore'], { by: 'gcore', gcore: '/usr/bin/gcore' }],
    ['|/usr/bin/apport %p', 'unlimited', ['gcore'], { by: 'gcore', gcore: '/usr/bin/gcore' }],
    ['/var/cores/%p', 'unlimited', ['gcore'], { by: 'gcore', gcore: '/usr/bin/gcore' }],
  ])('with core pattern %j and hard limit %s', (pattern, hard, programs, route) => {
    expect(chooseRoute(fakeMachine({ programs, files: { [PATTERN]: pattern, [LIMITS]: limits(hard) } }))).toEqual(route);
  });
  test('says how to get on where there is no way', async () => {
    const machine = fakeMachine({ programs: ['dnf'], files: { [PATTERN]: '|/usr/bin/apport %p', [LIMITS]: limits('unlimited') } });
    const { code, out, err } = await coreleak(['demo'], { machine });
    expect([code, out]).toEqual([4, '']);
    expect(err).toContain('no way to take a core: the kernel sends cores elsewhere (|/usr/bin/apport %p), and gcore is not installed');
    expect(err).toContain('dnf install gdb');
    expect(err).toContain('sysctl -w kernel.core_pattern=core.%p');
  });
  test('runs on Linux only', async () => {
    expect((await coreleak(['demo'], { machine: fakeMachine({ platform: 'darwin' }) })).code).toBe(4);
  });
});

test('near misses', () => {
  expect(editDistance('rport', 'report')).toBe(1);
  expect(editDistance('dcotor', 'doctor')).toBe(1);
  expect(nearest('core', ['report', 'doctor', 'demo'])).toBeUndefined();
  expect(nearest('dmeo', ['report', 'doctor', 'demo'])).toBe('demo');
});
