import { describe, expect, test } from 'vitest';
import { bufferSource } from '../../../src/bytes/byte-source.ts';
import { NT_AUXV, NT_FILE, NT_PRSTATUS, PT_NOTE } from '../../../src/elf/constants.ts';
import { openElf } from '../../../src/elf/elf-file.ts';
import { decodeCoreNotes, iterateNotes, type CoreNotes } from '../../../src/elf/notes.ts';
import { writeCore, type CoreSpec } from '../../support/core-writer.ts';
import { ByteWriter, writeNote } from '../../support/elf-writer.ts';

function decode(spec: CoreSpec): CoreNotes {
  const source = bufferSource('/core', writeCore(spec));
  return decodeCoreNotes(
    source,
    openElf(source, 'core').programHeaders.filter((h) => h.type === PT_NOTE),
  );
}

const FULL: CoreSpec = {
  threads: [
    { tid: 41, signal: 6, rip: 0x401010, rsp: 0x7ffe_0000_1000, rbp: 0x7ffe_0000_1040, fsBase: 0x7f00_0000_0740 },
    { tid: 42, rip: 0x402000 },
  ],
  pid: 41,
  fname: 'node',
  psargs: 'node --expose-gc a.js ',
  signal: { signo: 6, code: -6, first: 41, second: 1000 },
  auxv: [
    [3, 0x400040],
    [9, 0x401010],
  ],
  files: [{ start: 0x400000, end: 0x401000, offset: 0x3000, path: '/usr/bin/nöde' }],
};

describe('the notes of a core', () => {
  test.each(['kernel', 'gcore'] as const)('written by %s', (writer) => {
    const notes = decode({ ...FULL, writer });
    expect(notes.writer).toBe(writer);
    expect(notes.threads.map((t) => [t.tid, t.signal])).toEqual([
      [41, 6],
      [42, 0],
    ]);
    expect(Array.from(notes.threads[0]?.registers.subarray(2 * 19, 2 * 20) ?? [])).toEqual([0x1000, 0x7ffe]);
    expect(notes.process).toEqual({ pid: 41, fname: 'node', psargs: 'node --expose-gc a.js' });
    expect(notes.signalInfo).toEqual({ signo: 6, code: -6, sender: { pid: 41, uid: 1000 }, faultAddress: undefined });
    expect([...notes.auxv]).toEqual([
      [3, 0x400040],
      [9, 0x401010],
    ]);
    expect(notes.files).toEqual([{ start: 0x400000, end: 0x401000, offset: 0x3000, path: '/usr/bin/nöde' }]);
    expect(notes.problems).toEqual([]);
  });

  test('a fault carries the address that was touched, not a sender', () => {
    const { signalInfo } = decode({ ...FULL, signal: { signo: 11, code: 1, first: 0xdead_0000, second: 0x7f } });
    expect(signalInfo).toEqual({ signo: 11, code: 1, sender: undefined, faultAddress: 0x7f_dead_0000 });
  });

  test('of an unknown writer are still read', () => {
    const notes = decode({ rawNotes: writeNote('CORE', NT_AUXV, new ByteWriter().u64(9).u64(1).finish()) });
    expect(notes.writer).toBeUndefined();
    expect(notes.auxv.get(9)).toBe(1);
  });
});

describe('notes that lie', () => {
  const good = writeNote('CORE', 77, new Uint8Array(8));
  const lying = (namesz: number, descsz: number): Uint8Array => new ByteWriter().bytes(good).u32(namesz).u32(descsz).u32(1).text('CORE').zeros(3).finish();

  test.each([
    [5, 100],
    [5, 0xffff_ffff],
    [0xffff_ffff, 0],
    [0xffff_ffff, 0xffff_ffff],
  ])('about their sizes (%d, %d) end the iteration with a problem', (namesz, descsz) => {
    const bytes = lying(namesz, descsz);
    const problems: string[] = [];
    expect([...iterateNotes(bufferSource('/core', bytes), 0, bytes.length, 4, problems)].length).toBe(1);
    expect(problems).toEqual(['/core: the note at offset 28 claims more bytes than there are; it and the notes behind it were left unread']);
  });

  test('about where they end are cut to the file', () => {
    const problems: string[] = [];
    expect([...iterateNotes(bufferSource('/core', good), 0, 1000, 4, problems)].length).toBe(1);
    expect(problems).toEqual(['/core: 972 bytes of notes are not in the file']);
  });

  test('and zero padding ends them without one', () => {
    const problems: string[] = [];
    const bytes = new ByteWriter().bytes(good).zeros(4096).finish();
    expect([...iterateNotes(bufferSource('/core', bytes), 0, bytes.length, 4, problems)].length).toBe(1);
    expect(problems).toEqual([]);
  });

  test('inside a record are left out with a problem, and the next note is read', () => {
    const rawNotes = new ByteWriter()
      .bytes(writeNote('CORE', NT_PRSTATUS, new Uint8Array(100)))
      .bytes(writeNote('CORE', NT_FILE, new ByteWriter().u64(1_000_000_000_000).u64(4096).finish()))
      .bytes(writeNote('CORE', NT_AUXV, new ByteWriter().u64(9).u64(1).finish()))
      .finish();
    const notes = decode({ rawNotes });
    expect(notes.threads).toEqual([]);
    expect(notes.auxv.get(9)).toBe(1);
    expect(notes.problems.length).toBe(2);
    expect(notes.problems[1]).toContain('1000000000000 entries do not fit in 0 bytes');
  });

  test('about an NT_FILE path without an end keep the entries before it', () => {
    const content = new ByteWriter()
      .u64(2)
      .u64(4096)
      .u64(0x1000)
      .u64(0x2000)
      .u64(1)
      .u64(0x3000)
      .u64(0x4000)
      .u64(0)
      .text('/a')
      .bytes(new TextEncoder().encode('/b'));
    const notes = decode({ rawNotes: writeNote('CORE', NT_FILE, content.finish()) });
    expect(notes.files).toEqual([{ start: 0x1000, end: 0x2000, offset: 4096, path: '/a' }]);
    expect(notes.problems.length).toBe(1);
  });
});
