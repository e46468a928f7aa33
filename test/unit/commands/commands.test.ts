import { describe, expect, test } from 'vitest';
import { doctor } from '../../../src/commands/doctor.ts';
import { corePattern, installCommand } from '../../../src/commands/machine.ts';
import type { Machine } from '../../../src/commands/machine.ts';
import { report } from '../../../src/commands/report.ts';
import { InterruptedError } from '../../../src/errors.ts';
import { doctorText } from '../../../src/render/doctor-text.ts';
import { displayWidth } from '../../../src/render/escape.ts';
import { sentenceText } from '../../../src/render/format.ts';
import { plain } from '../../../src/render/paint.ts';
import { census, fakeSource, shape } from '../../support/fake-source.ts';
import { fakeMachine } from '../../support/fake-io.ts';

const OPTIONS = { version: '1.2.3', top: undefined, strings: false };

describe('report', () => {
  test('takes shapes and suspects of the last source, and closes each', async () => {
    const first = fakeSource({ census: census({ shapes: [shape('Old', 5)] }), facts: { path: 'a' } });
    const second = fakeSource({ census: census({ shapes: [shape('New', 20_000)] }), facts: { path: 'b' } });
    const result = await report([() => Promise.resolve(first), () => Promise.resolve(second)], OPTIONS);
    expect(result.sources.map((source) => source.path)).toEqual(['a', 'b']);
    expect(result.shapes.map((row) => row.constructorName)).toEqual(['New']);
    expect(result.generator).toEqual({ name: 'coreleak', version: '1.2.3' });
    expect([first.closed(), second.closed()]).toEqual([1, 1]);
  });
  test('opens the next source only when the one before is closed', async () => {
    const first = fakeSource();
    await report(
      [
        () => Promise.resolve(first),
        () => {
          expect(first.closed()).toBe(1);
          return Promise.resolve(fakeSource());
        },
      ],
      OPTIONS,
    );
    expect.assertions(1);
  });
  test('closes the source when the census fails', async () => {
    const source = fakeSource({ work: () => Promise.reject(new Error('torn')) });
    await expect(report([() => Promise.resolve(source)], OPTIONS)).rejects.toThrow('torn');
    expect(source.closed()).toBe(1);
  });
  test('stops between sources when asked to', async () => {
    const controller = new AbortController();
    const source = fakeSource();
    const first = (): Promise<typeof source> => {
      controller.abort();
      return Promise.resolve(source);
    };
    await expect(report([first, first], { ...OPTIONS, signal: controller.signal })).rejects.toBeInstanceOf(InterruptedError);
    expect(source.closed()).toBe(1);
  });
  test('shows string contents only when asked for by name', async () => {
    const open = [() => Promise.resolve(fakeSource())];
    expect((await report(open, OPTIONS)).suspects[0]?.example).toBe('{ user: "…3 chars", action: "…5 chars" }');
    expect((await report(open, { ...OPTIONS, strings: true })).suspects[0]?.example).toContain('ann');
  });
  test('counts suspects by confidence before --top cuts them', async () => {
    const open = [() => Promise.resolve(fakeSource())];
    const whole = await report(open, OPTIONS);
    const cut = await report(open, { ...OPTIONS, top: 1 });
    expect(cut.suspects).toHaveLength(1);
    expect(cut.confidences).toEqual(whole.confidences);
    expect(cut.totals).toEqual(whole.totals);
    expect(cut.truncatedBy).toBe('--top 1');
  });
});

describe('doctor', () => {
  const find = (machine: Machine, name: string) => doctor(machine, '/var', undefined).checks.find((check) => check.name === name);
  test('says how to get what is missing', () => {
    expect(find(fakeMachine({ programs: ['apt-get'] }), 'gcore')).toMatchObject({ state: 'missing', remedy: 'apt-get install gdb' });
    expect(find(fakeMachine({ programs: ['apk'] }), 'eu-stack')).toMatchObject({ remedy: 'apk add elfutils' });
    expect(find(fakeMachine({ programs: [] }), 'lldb')?.remedy).toBe("install lldb with the system's package manager");
    expect(find(fakeMachine({ programs: ['gdb'] }), 'gdb')).toMatchObject({ state: 'ok', remedy: undefined });
  });
  test.each([
    ['core.%p\n', 'folder', 'ok'],
    ['/var/cores/%e.%p', 'absolute', 'ok'],
    ['|/usr/lib/systemd/systemd-coredump %P', 'pipe', 'limited'],
  ])('reads the core pattern %j', (pattern, goes, state) => {
    const machine = fakeMachine({ files: { '/proc/sys/kernel/core_pattern': pattern } });
    expect(corePattern(machine)?.goes).toBe(goes);
    expect(find(machine, 'core pattern')?.state).toBe(state);
  });
  test('knows where a piped core can be had', () => {
    const machine = fakeMachine({ files: { '/proc/sys/kernel/core_pattern': '|/usr/lib/systemd/systemd-coredump %P' } });
    expect(find(machine, 'core pattern')?.remedy).toContain('coredumpctl');
  });
  test.each([
    ['0', 'unlimited', 'limited', 'ulimit -c unlimited'],
    ['0', '0', 'limited', 'LimitCORE'],
    ['unlimited', 'unlimited', 'ok', undefined],
  ])('reads a core limit of %s, hard %s', (soft, hard, state, remedy) => {
    const check = find(
      fakeMachine({ files: { '/proc/self/limits': `Limit  Soft  Hard\nMax core file size        ${soft}                    ${hard}            bytes\n` } }),
      'core limit',
    );
    expect(check?.state).toBe(state);
    if (remedy === undefined) expect(check?.remedy).toBeUndefined();
    else expect(check?.remedy).toContain(remedy);
  });
  test('what cannot be told is said, not guessed', () => {
    const nothing = fakeMachine({ free: undefined });
    expect(sentenceText(find(nothing, 'disk')?.found ?? [])).toBe('free space of /var is not known');
    expect(find(nothing, 'core pattern')?.state).toBe('missing');
  });
  test('a little disk is a warning', () => {
    expect(find(fakeMachine({ free: 2 ** 30 }), 'disk')?.state).toBe('limited');
  });
  test.each([40, 80])('prints within %i columns, with the layout of a core first', (width) => {
    const text = doctorText(doctor(fakeMachine({ programs: ['apt-get', 'gdb'] }), '/var', fakeSource()), { width, paint: plain, verbose: true });
    for (const line of text.split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
    expect(text.indexOf('LAYOUT')).toBe(0);
    if (width === 80) {
      expect(text).toContain("61 from the binary's symbols, 22 from the table, 4 worked out");
      expect(text).toContain('class_Foo__bar__int: no names of Foo');
      expect(text).toContain('page_size = 262144, derived');
    }
  });
  test('a source without a layout has none', () => {
    expect(doctor(fakeMachine({}), '/var', fakeSource({ layout: undefined })).layout).toBeUndefined();
  });
  test('an unknown package manager is no failure', () => {
    expect(installCommand(fakeMachine({}), 'gdb')).toContain('package manager');
  });
});
