/** The rules of src/README.md that no compiler checks: who may import whom, what a folder and a file look like, who may touch the process. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
/** A record of the dead process is called `process` too: in a file that takes it out of another record, the word is not the global one. */
const shadowsProcess = (text: string): boolean => /\{[^{}]*\bprocess\b[^{}]*\} = /.test(text);
const textOf = (file: string): string => readFileSync(join(root, 'src', file), 'utf8');

describe('src', () => {
  it('keeps the import rules', async () => {
    const run = await execa('depcruise', ['--config', '.config/dependency-cruiser.cjs', 'src'], { cwd: root, preferLocal: true, reject: false });
    expect(run.exitCode, run.stdout).toBe(0);
    expect(run.stdout).toMatch(/no dependency violations found \(\d\d+ modules/);
  });

  it.each(folders)('has a README.md in %s', (folder) => {
    expect(existsSync(join(root, 'src', folder, 'README.md'))).toBe(true);
  });

  it.each(files)('keeps %s within 500 lines', (file) => {
    expect(textOf(file).trimEnd().split('\n').length).toBeLessThanOrEqual(500);
  });

  // A pattern of its own for each, so that a comment that names a signal or an exit code is no offence.
  it.each([
    ['process.exit', /(?<![.\w])process\.exit(?:Code)?\b/],
    ['process.stdout', /(?<![.\w])process\.stdout\b/],
    ['process.argv', /(?<![.\w])process\.argv\b/],
    ['process.env', /(?<![.\w])process\.env\b/],
    ['the process module', /from 'node:process'/],
  ])('touches %s in cli only', (_what, pattern) => {
    const offenders = files.filter((file) => !file.startsWith('cli/') && !shadowsProcess(textOf(file)) && pattern.test(textOf(file)));
    expect(offenders).toEqual([]);
  });

  it('has files to check', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(folders).toContain('cli');
  });
});
