import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openOutputFile } from '../../../src/cli/output-file.ts';
import { run } from '../../../src/cli/run.ts';
import { openSource } from '../../../src/session/open.ts';
import { fakeWorld } from '../../support/fake-io.ts';
import { SMALL_HEAP, writeSnapshot } from '../../support/snapshot-writer.ts';
import { makeTempFolder, writeFileIn } from '../../support/temp-files.ts';

async function coreleak(argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const world = fakeWorld({ openSource });
  const code = await run(argv, world.io);
  return { code, out: world.out(), err: world.err() };
}

describe('coreleak export', () => {
  test.each([
    [['export'], 'a source is missing'],
    [['export', 'x', '-o', 'f'], 'export wants a kind of file: --to KIND'],
    [['export', 'x', '--to', 'heapsnapshot'], 'export wants a file to write: -o FILE'],
    [['export', 'x', '--to', 'sqlite', '-o', 'f'], 'export to sqlite is not available yet'],
    [['export', 'x', '--to', 'ndjson', '-o', 'f'], 'export to ndjson is not available yet'],
    [['export', 'x', '--to', 'pdf', '-o', 'f'], 'unknown kind pdf'],
    [['export', 'x', '--to'], '--to wants a value'],
    [['exprt', 'x'], 'unknown verb exprt'],
  ])('%j is a usage error', async (argv, message) => {
    const { code, out, err } = await coreleak(argv);
    expect([code, out, err.split('\n')[0]]).toEqual([2, '', `coreleak: error: ${message}`]);
  });

  test('writes a snapshot to a file or to stdout, contents of strings only when asked', async () => {
    const folder = makeTempFolder();
    const source = writeFileIn(folder, 'in.heapsnapshot', writeSnapshot(SMALL_HEAP));
    const file = join(folder, 'out.heapsnapshot');
    const first = await coreleak(['export', source, '--to', 'heapsnapshot', '-o', file]);
    expect(first).toEqual({ code: 0, out: '', err: expect.stringMatching(/^wrote .*out\.heapsnapshot: 13 nodes, 12 edges, .*; string contents were left out \(--strings writes them\)\n$/) as string });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, 'latin1');
    expect(text).not.toContain('a \\"text\\"');
    // Places come along.
    expect((JSON.parse(text) as { locations: number[] }).locations).toEqual([6 * 6, 7, 9, 4, 3 * 6, 7, 1, 2]);
    expect(await coreleak(['export', source, '--to', 'heapsnapshot', '-o', '-'])).toEqual({ code: 0, out: text, err: '' });
    const { err } = await coreleak(['export', source, '--to', 'heapsnapshot', '-o', file, '--strings']);
    expect(err).not.toContain('left out');
    expect(readFileSync(file, 'latin1')).toContain('a \\"text\\"');
    expect(readdirSync(folder).sort()).toEqual(['in.heapsnapshot', 'out.heapsnapshot']);
  });

  test('leaves an old file as it was when the source is damaged', async () => {
    const folder = makeTempFolder();
    const source = writeFileIn(folder, 'in.heapsnapshot', writeSnapshot(SMALL_HEAP).subarray(0, -10));
    const file = writeFileIn(folder, 'out.heapsnapshot', 'before');
    expect((await coreleak(['export', source, '--to', 'heapsnapshot', '-o', file])).code).toBe(3);
    expect([readFileSync(file, 'utf8'), ...readdirSync(folder).sort()]).toEqual(['before', 'in.heapsnapshot', 'out.heapsnapshot']);
  });
});

describe('openOutputFile', () => {
  test('is gone as soon as the signal says so', async () => {
    const folder = makeTempFolder();
    const path = join(folder, 'f');
    writeFileSync(path, 'old');
    const controller = new AbortController();
    const file = openOutputFile(path, controller.signal);
    await file.write(Buffer.from('new'));
    expect(readdirSync(folder).length).toBe(2);
    controller.abort();
    expect(readdirSync(folder)).toEqual(['f']);
    file.discard();
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  test('takes its place when it is whole', async () => {
    const path = join(makeTempFolder(), 'f');
    const file = openOutputFile(path, new AbortController().signal);
    await file.write(Buffer.from('one '));
    await file.write(Buffer.from('two'));
    file.commit();
    file.discard();
    expect(readFileSync(path, 'utf8')).toBe('one two');
  });

  test('names what cannot be written', () => {
    expect(() => openOutputFile(join(makeTempFolder(), 'none', 'f'), new AbortController().signal)).toThrow(/cannot write .*: no such folder/);
  });
});
