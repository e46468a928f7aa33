/** `coreleak export` as a user runs it: what it leaves on the disk, whatever becomes of it, and that the file says to coreleak what its source said. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { describeCores } from '../support/real-cores.ts';
import { runCoreleak, runReport } from '../support/run-coreleak.ts';
import { makeTempFolder } from '../support/temp-files.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

await describeCores('closures', (made) => {
  const source = (): string => made().snapshot!;

  it('writes a file that only its owner reads and that reports the same', async () => {
    const file = join(makeTempFolder(), 'out.heapsnapshot');
    const run = await runCoreleak(['export', source(), '--to', 'heapsnapshot', '-o', file]);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(/^wrote .*: [\d,]+ nodes, [\d,]+ edges, .* string contents were left out/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const [before, after] = [await runReport(source()), await runReport(file)];
    for (const key of ['shapes', 'constructors'] as const) {
      const rows = (report: typeof before): unknown => report[key].filter((row) => row.instances >= 20).map((row) => ({ ...row, id: '' }));
      expect(rows(after), key).toEqual(rows(before));
    }
    expect(after.suspects.map((suspect) => suspect.fingerprint)).toEqual(before.suspects.map((suspect) => suspect.fingerprint));
  });

  it('writes the same to stdout', async () => {
    const file = join(makeTempFolder(), 'out.heapsnapshot');
    await runCoreleak(['export', source(), '--to', 'heapsnapshot', '-o', file, '--quiet']);
    const run = await runCoreleak(['export', source(), '--to', 'heapsnapshot', '-o', '-']);
    expect([run.exitCode, run.stderr]).toEqual([0, '']);
    expect(run.stdout === readFileSync(file, 'latin1')).toBe(true);
  });

  it('leaves nothing behind when it is interrupted, and what was there as it was', async () => {
    const folder = makeTempFolder();
    const file = join(folder, 'out.heapsnapshot');
    writeFileSync(file, 'before');
    let seen = 0;
    // Until it is done before it is interrupted, which takes longer on a busy machine.
    for (let delay = 200; delay <= 20_000; delay += 100) {
      const child = execa(process.execPath, [main, 'export', source(), '--to', 'heapsnapshot', '-o', file, '--quiet'], { reject: false, stdin: 'ignore' });
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGINT');
      const run = await child;
      expect(readdirSync(folder)).toEqual(['out.heapsnapshot']);
      if (run.exitCode === 0) break;
      if (run.exitCode === 130) seen++;
      const left = readFileSync(file, 'latin1');
      // The end of the work may come right before the interruption.
      expect(left === 'before' || left.endsWith(']}'), `${left.length} bytes are left`).toBe(true);
      writeFileSync(file, 'before');
    }
    expect(seen).toBeGreaterThan(0);
  });

  it('says what cannot be written, before the work', async () => {
    const folder = makeTempFolder();
    mkdirSync(join(folder, 'taken'));
    for (const [output, why] of [
      [join(folder, 'taken'), 'is a directory'],
      [join(folder, 'none', 'x'), 'no such folder'],
    ] as const) {
      const run = await runCoreleak(['export', source(), '--to', 'heapsnapshot', '-o', output]);
      expect([run.exitCode, run.stderr]).toEqual([2, `coreleak: error: cannot write ${output}: ${why}`]);
    }
  });
});
