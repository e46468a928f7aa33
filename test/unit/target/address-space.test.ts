import { describe, expect, test } from 'vitest';
import { bufferSource } from '../../../src/bytes/byte-source.ts';
import { PF_R, PF_W, PF_X, PT_NOTE } from '../../../src/elf/constants.ts';
import { openElf } from '../../../src/elf/elf-file.ts';
import { decodeCoreNotes } from '../../../src/elf/notes.ts';
import { FaultError, LimitError } from '../../../src/errors.ts';
import { AddressSpace } from '../../../src/target/address-space.ts';
import { saved, unsaved, writeCore, type CoreSpec } from '../../support/core-writer.ts';
import { PAGE } from '../../support/elf-writer.ts';

function open(spec: CoreSpec, cutTo?: number): AddressSpace {
  const core = bufferSource('/core', writeCore(spec).subarray(0, cutTo));
  const elf = openElf(core, 'core');
  const notes = decodeCoreNotes(
    core,
    elf.programHeaders.filter((h) => h.type === PT_NOTE),
  );
  return new AddressSpace({ core, programHeaders: elf.programHeaders, files: notes.files });
}

const filled = (value: number): Uint8Array => new Uint8Array(PAGE).fill(value);
const AT = 0x7f00_0000_0000;

describe('reading memory', () => {
  // In memory: a page of 1, a page of 2 (adjacent, but before it in the file), a guard page, a page of 3, a hole.
  const memory = open({
    mappings: [saved(AT + PAGE, filled(2)), saved(AT, filled(1)), unsaved(AT + 2 * PAGE, PAGE, 0), saved(AT + 3 * PAGE, filled(3), PF_R | PF_X)],
  });

  test('keeps one mapping for each segment, sorted', () => {
    expect(memory.mappings.map((m) => [m.start - AT, m.savedEnd - m.start, m.flags])).toEqual([
      [0, PAGE, 6],
      [PAGE, PAGE, 6],
      [2 * PAGE, 0, 0],
      [3 * PAGE, PAGE, 5],
    ]);
    expect(memory.savedBytes).toBe(3 * PAGE);
    expect(memory.missingBytes).toBe(0);
    expect(memory.findMapping(AT + 2 * PAGE - 1)?.start).toBe(AT + PAGE);
    expect(memory.findMapping(AT - 1)).toBeUndefined();
    expect(memory.findMapping(AT + 4 * PAGE)).toBeUndefined();
  });

  test('crosses adjacent mappings', () => {
    expect(memory.readU32(AT + PAGE - 2)).toBe(0x0202_0101);
    expect(memory.readU16(AT + PAGE - 1)).toBe(0x0201);
    expect(memory.readPointer(AT + PAGE - 5)).toBeUndefined();
    expect(memory.readI32(AT)).toBe(0x0101_0101);
    expect(Array.from(memory.readBytes(AT + PAGE - 1, 3))).toEqual([1, 2, 2]);
    const target = new Uint8Array(3 * PAGE);
    expect(memory.readInto(target, AT + 8)).toBe(2 * PAGE - 8);
    expect(target[PAGE]).toBe(2);
    expect(memory.isReadable(AT, 2 * PAGE)).toBe(true);
    expect(memory.isReadable(AT, 2 * PAGE + 1)).toBe(false);
  });

  test('faults at the first absent byte, and never reads it as zero', () => {
    expect(() => memory.readU32(AT + 2 * PAGE - 2)).toThrow(new FaultError(AT + 2 * PAGE, 2, 'not-saved'));
    expect(() => memory.readBytes(AT, 10 * PAGE)).toThrow(new FaultError(AT + 2 * PAGE, 8 * PAGE, 'not-saved'));
    expect(() => memory.readF64(AT + 4 * PAGE - 4)).toThrow(new FaultError(AT + 4 * PAGE, 4, 'unmapped'));
    expect(() => memory.readU8(0)).toThrow(new FaultError(0, 1, 'unmapped'));
    expect(() => memory.readU8(-1)).toThrow(FaultError);
    expect(() => memory.readU8(Number.NaN)).toThrow(FaultError);
    expect(() => memory.readBytes(AT, 2 ** 31)).toThrow(LimitError);
    expect(memory.readInto(new Uint8Array(8), AT + 2 * PAGE)).toBe(0);
    expect(memory.isReadable(AT, 2 ** 50)).toBe(false);
  });

  test('still faults after good reads next to it', () => {
    expect(memory.readU8(AT + 3 * PAGE)).toBe(3);
    expect(() => memory.readU8(AT + 3 * PAGE - 1)).toThrow(FaultError);
    expect(memory.readU8(AT + 2 * PAGE - 1)).toBe(2);
    expect(() => memory.readU8(AT + 2 * PAGE)).toThrow(FaultError);
  });
});

describe('a segment of which the core saved a part', () => {
  test('is absent beyond it', () => {
    const memory = open({ mappings: [{ ...saved(AT, filled(1)), memsz: 2 * PAGE }] });
    expect(memory.mappings[0]).toMatchObject({ end: AT + 2 * PAGE, savedEnd: AT + PAGE, declaredEnd: AT + PAGE });
    expect(() => memory.readU8(AT + PAGE)).toThrow(new FaultError(AT + PAGE, 1, 'not-saved'));
    expect(memory.missingBytes).toBe(0);
  });

  test('is missing what a cut file lost', () => {
    const spec = { mappings: [saved(AT, filled(1)), saved(AT + PAGE, filled(2))] };
    const memory = open(spec, writeCore(spec).length - 100);
    expect(memory.missingBytes).toBe(100);
    expect(memory.savedBytes).toBe(2 * PAGE - 100);
    expect(memory.mappings[1]).toMatchObject({ savedEnd: AT + 2 * PAGE - 100, declaredEnd: AT + 2 * PAGE });
    expect(memory.readU8(AT + 2 * PAGE - 101)).toBe(2);
    expect(() => memory.readU8(AT + 2 * PAGE - 100)).toThrow(new FaultError(AT + 2 * PAGE - 100, 1, 'not-saved'));
  });
});

describe('memory that the core left to a file', () => {
  const file = new Uint8Array(4 * PAGE + 10);
  for (let page = 0; page < 5; page += 1) file.fill(0x10 + page, page * PAGE, (page + 1) * PAGE);
  const path = '/usr/bin/node';
  const spec: CoreSpec = {
    mappings: [
      { ...saved(AT, filled(1), PF_R), memsz: 2 * PAGE },
      unsaved(AT + 2 * PAGE, PAGE, PF_R | PF_W),
      // A second mapping of the file at another address, as V8 remaps its builtins.
      unsaved(AT + 0x10_0000, PAGE, PF_R | PF_X),
    ],
    files: [
      { start: AT, end: AT + 3 * PAGE, offset: 0, path },
      // gdb has no segment for this one.
      { start: AT + 5 * PAGE, end: AT + 7 * PAGE, offset: 3 * PAGE, path },
      { start: AT + 0x10_0000, end: AT + 0x10_0000 + PAGE, offset: 2 * PAGE, path },
      { start: AT + 0x20_0000, end: AT + 0x20_0000 + PAGE, offset: 0, path: '/lib/libc.so.6' },
    ],
  };

  test('is a fault that says so while the file is missing', () => {
    const memory = open(spec);
    for (const at of [AT + PAGE, AT + 5 * PAGE, AT + 0x10_0000]) expect(() => memory.readU8(at)).toThrow(new FaultError(at, 1, 'file-missing'));
    expect(memory.mappings[2]?.file).toEqual({ path, offset: 2 * PAGE });
  });

  test('is read from the file once it is attached', () => {
    const memory = open(spec);
    memory.attachFile(path, bufferSource(path, file));
    expect(memory.readU8(AT)).toBe(1);
    expect(memory.readU32(AT + PAGE - 2)).toBe(0x1111_0101);
    expect(memory.readU8(AT + 5 * PAGE)).toBe(0x13);
    expect(memory.readU8(AT + 0x10_0000 + 5)).toBe(0x12);
    expect(() => memory.readU8(AT + 0x20_0000)).toThrow(new FaultError(AT + 0x20_0000, 1, 'file-missing'));
  });

  test('but not where the process could have written, nor past the end of the file', () => {
    const memory = open(spec);
    memory.attachFile(path, bufferSource(path, file));
    expect(() => memory.readU8(AT + 2 * PAGE)).toThrow(new FaultError(AT + 2 * PAGE, 1, 'not-saved'));
    expect(memory.readU8(AT + 6 * PAGE + 9)).toBe(0x14);
    expect(() => memory.readU8(AT + 6 * PAGE + 10)).toThrow(new FaultError(AT + 6 * PAGE + 10, 1, 'not-saved'));
  });

  test('is asked for once for each path', () => {
    const memory = open(spec);
    const asked: string[] = [];
    memory.onMissingFile((wanted) => {
      asked.push(wanted);
      return wanted === path ? bufferSource(path, file) : undefined;
    });
    for (let i = 0; i < 3; i += 1) {
      expect(memory.readU8(AT + PAGE)).toBe(0x11);
      expect(memory.isReadable(AT + 0x20_0000, 1)).toBe(false);
    }
    expect(asked).toEqual([path, '/lib/libc.so.6']);
  });
});

describe('a table of segments that lies', () => {
  test('loses the segments that overlap or leave the address space, and says so', () => {
    const memory = open({
      mappings: [
        { ...saved(AT, filled(1)), memsz: 4 * PAGE },
        saved(AT + PAGE, filled(2)),
        { ...saved(2 ** 48 - PAGE, filled(3)), memsz: 2 * PAGE },
        { ...saved(0x1000, filled(4)), memsz: 2n ** 64n - 1n },
      ],
    });
    expect(memory.mappings.length).toBe(1);
    expect(memory.problems).toEqual(['/core: 3 segments overlap others or leave the address space and were left out, the first at 0x1000']);
  });

  test('cannot hold more bytes than the file', () => {
    const mappings = Array.from({ length: 50 }, (_, i) => ({ ...saved(AT + i * 2 ** 30, new Uint8Array(0)), offset: 0, filesz: 2n ** 29n, memsz: 2 ** 29 }));
    const memory = open({ mappings });
    expect(memory.savedBytes).toBeLessThanOrEqual(writeCore({ mappings }).length);
  });

  test('of tens of thousands of segments is quick to search', () => {
    const count = 60_000;
    const one = new Uint8Array([1, 2, 3, 4]);
    const memory = open({
      usesPnXnum: true,
      mappings: Array.from({ length: count }, (_, i) => ({ ...unsaved(AT + i * 2 * PAGE, PAGE), ...(i % 10_000 === 0 ? { data: one } : {}) })),
    });
    for (let i = 0; i < count; i += 10_000) expect(memory.readU32(AT + i * 2 * PAGE)).toBe(0x0403_0201);
    expect(memory.findMapping(AT + (count - 1) * 2 * PAGE)?.start).toBe(AT + (count - 1) * 2 * PAGE);
  });
});
