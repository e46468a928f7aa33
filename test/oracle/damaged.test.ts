/** Inputs that are no core of a Node process, or only a part of one: exit codes, one line that says what is wrong, and no stack trace. */
import { chmodSync, copyFileSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TemporaryDirectory, findCore, shellPrelude, whyNot } from '../../cores/machine.ts';
import { makeCore, manifest } from '../../cores/make.ts';
import { describeCores, nodesUnderTest } from '../support/real-cores.ts';
import type { Report } from '../support/report.ts';
import { runCoreleak } from '../support/run-coreleak.ts';
import type { Run } from '../support/run-coreleak.ts';

function temporaryPath(name: string): string {
  const directory = new TemporaryDirectory();
  onTestFinished(() => directory[Symbol.dispose]());
  return join(directory.path, name);
}

/** Refused: nothing on stdout, `coreleak: error: ...` and at most a hint on stderr. */
function expectRefusal(run: Run, exitCode: number, message: RegExp): void {
  expect(run.exitCode, run.stderr).toBe(exitCode);
  expect(run.stdout).toBe('');
  const lines = run.stderr.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^coreleak: error: \S/);
  expect(run.stderr).toMatch(message);
  expect(lines.filter((line) => line.startsWith('coreleak: error:')).length).toBe(1);
  expect(lines.length, run.stderr).toBeLessThanOrEqual(3);
  expect(run.stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
}

const report = (source: string, ...rest: string[]): Promise<Run> => runCoreleak(['report', source, '--format', 'json', ...rest]);

/** An ELF header without anything behind it. `bits` is 1 for 32 and 2 for 64; type 4 is a core. */
function elfHeader(bits: 1 | 2, type: number, machine: number): Buffer {
  const header = Buffer.alloc(bits === 1 ? 52 : 64);
  header.set([0x7f, 0x45, 0x4c, 0x46, bits, 1, 1]);
  header.writeUInt16LE(type, 16);
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  return header;
}

describe('what is no core', () => {
  it('refuses a missing file', async () => expectRefusal(await report(temporaryPath('missing')), 3, /missing/));

  it('refuses a directory', async () => {
    const path = temporaryPath('folder');
    mkdirSync(path);
    expectRefusal(await report(path), 3, /directory/i);
  });

  it('refuses an empty file', async () => {
    const path = temporaryPath('empty');
    writeFileSync(path, '');
    expectRefusal(await report(path), 3, /empty/i);
  });

  it('refuses a text file', async () => {
    const path = temporaryPath('notes.txt');
    writeFileSync(path, 'this is not a core file\n'.repeat(1000));
    expectRefusal(await report(path), 3, /notes\.txt/);
  });

  it('refuses an executable', async () => expectRefusal(await report(process.execPath), 3, /executable|core/));

  it('refuses a 32-bit core', async () => {
    const path = temporaryPath('core32');
    writeFileSync(path, Buffer.concat([elfHeader(1, 4, 3), Buffer.alloc(4096)]));
    expectRefusal(await report(path), 3, /32/);
  });

  it('refuses a header that is cut', async () => {
    const path = temporaryPath('cut-header');
    writeFileSync(path, elfHeader(2, 4, 62).subarray(0, 40));
    expectRefusal(await report(path), 3, /cut-header/);
  });

  it('refuses a header that promises more than the file has', async () => {
    const path = temporaryPath('lying-header');
    const header = elfHeader(2, 4, 62);
    header.writeBigUInt64LE(64n, 32);
    header.writeUInt16LE(56, 54);
    header.writeUInt16LE(60_000, 56);
    writeFileSync(path, header);
    expectRefusal(await report(path), 3, /lying-header/);
  });

  it('refuses a file that may not be read', async ({ skip }) => {
    skip(process.getuid?.() === 0, 'root may read every file');
    const path = temporaryPath('secret');
    writeFileSync(path, elfHeader(2, 4, 62));
    chmodSync(path, 0);
    expectRefusal(await report(path), 3, /permission/i);
  });
});

describe('wrong usage', () => {
  it('wants a source', async () => expectRefusal(await runCoreleak(['report']), 2, /./));
  it('knows its options', async () => expectRefusal(await report('core', '--no-such-option'), 2, /no-such-option/));
  it('knows its formats', async () => expectRefusal(await runCoreleak(['report', 'core', '--format', 'cuneiform']), 2, /cuneiform|format/));
});

describe('cores of other programs', async () => {
  const reason = await whyNot('kernel');
  it.skipIf(reason !== undefined)(`refuses the core of sleep by name${reason === undefined ? '' : ` (skipped: ${reason})`}`, async () => {
    const directory = new TemporaryDirectory();
    onTestFinished(() => directory[Symbol.dispose]());
    const sleeper = execa('sh', ['-c', shellPrelude(manifest.coredumpFilter), 'sh', 'sleep', '60'], { cwd: directory.path, reject: false });
    // Until sh has become sleep, the core would be that of sh.
    await expect.poll(async () => (await execa('cat', [`/proc/${String(sleeper.pid)}/comm`])).stdout).toBe('sleep');
    sleeper.kill('SIGABRT');
    await sleeper;
    expectRefusal(await report(findCore(directory.path)!), 3, /sleep/);
  });
});

await describeCores('young-garbage', (made, { node, kind }) => {
  it('refuses another binary by both build ids', async () => {
    expectRefusal(await report(made().core, '--binary', '/bin/sh'), 3, /[0-9a-f]{40}[^]*[0-9a-f]{40}/);
  });

  it('refuses a binary that is not there', async () => {
    expectRefusal(await report(made().core, '--binary', temporaryPath('no-node')), 3, /no-node/);
  });

  const other = nodesUnderTest().find((choice) => choice !== node);
  it.skipIf(other === undefined)('refuses the binary of another Node', async () => {
    const another = await makeCore({ program: 'young-garbage', node: other!, kind });
    expectRefusal(await report(made().core, '--binary', another.binary), 3, /[0-9a-f]{40}[^]*[0-9a-f]{40}/);
  });

  it('reads a core whose end is cut, and says what is missing', async () => {
    const path = temporaryPath('cut');
    copyFileSync(made().core, path);
    truncateSync(path, statSync(path).size - 8192);
    const run = await report(path, '--binary', made().binary);
    expect(run.exitCode, run.stderr).toBe(0);
    const [source] = (JSON.parse(run.stdout) as Report).sources;
    expect(source?.heap.objects).toBeGreaterThan(10_000);
    expect(run.stderr + JSON.stringify(source)).toMatch(/truncated|cut|missing|shorter/i);
  });

  it('ends in good order wherever a core is cut', async () => {
    for (const share of [0.9, 0.6, 0.3, 0.05]) {
      const path = temporaryPath(`cut-${share}`);
      copyFileSync(made().core, path);
      truncateSync(path, Math.floor(statSync(path).size * share));
      const run = await report(path, '--binary', made().binary);
      if (run.exitCode === 0) {
        const { coverage } = (JSON.parse(run.stdout) as Report).sources[0]!;
        expect(coverage.complete, `cut to ${share}`).toBe(false);
        expect(coverage.missingBytes, `cut to ${share}`).toBeGreaterThan(0);
      } else expectRefusal(run, 3, /cut-/);
    }
  });
});
