import { describe, expect, test } from 'vitest';
import { bufferSource } from '../../../src/bytes/byte-source.ts';
import { ET_CORE, ET_DYN, ET_EXEC, PT_LOAD } from '../../../src/elf/constants.ts';
import { openElf } from '../../../src/elf/elf-file.ts';
import { FaultError, LimitError, MalformedInputError, UnsupportedError } from '../../../src/errors.ts';
import { saved, writeCore } from '../../support/core-writer.ts';
import { IMAGE, PAGE, writeElf, writeExecutable } from '../../support/elf-writer.ts';

const BUILD_ID = 'bd05d6407047594fc3d31dd4ed4a37fe48c01f93';
const source = (bytes: Uint8Array): ReturnType<typeof bufferSource> => bufferSource('/it', bytes);

describe('opening an ELF file', () => {
  test('reads header, segments, build id and thread-local block', () => {
    const elf = openElf(source(writeExecutable({ buildId: BUILD_ID, tls: { memsz: 0x1a8, align: 8 } })));
    expect(elf).toMatchObject({ type: ET_EXEC, machine: 62, entry: 0x400000 + IMAGE.entry, imageStart: 0x400000, buildId: BUILD_ID, problems: [] });
    expect(elf.tls).toEqual({ memsz: 0x1a8, align: 8 });
    expect(elf.programHeaders.filter((h) => h.type === PT_LOAD).map((h) => h.vaddr)).toEqual([0x400000, 0x401000, 0x402000, 0x403000]);
  });

  test('takes the number of program headers from section 0 when e_phnum is PN_XNUM', () => {
    const mappings = Array.from({ length: 70_000 }, (_, i) => ({ ...saved(0x10000 + i * PAGE, new Uint8Array(0)), memsz: PAGE }));
    const bytes = writeCore({ pid: 1, mappings, usesPnXnum: true });
    const elf = openElf(source(bytes), 'core');
    expect(elf.programHeaders.length).toBe(70_001);
    expect(elf.programHeaders.at(-1)?.vaddr).toBe(0x10000 + 69_999 * PAGE);
  });

  test('infers that number from the notes in a kernel core that lost section 0', () => {
    const notes = { type: 4, offset: 64 + 3 * 56, filesz: 0 };
    const bytes = writeElf({ type: ET_CORE, segments: [notes, saved(0x1000, new Uint8Array(PAGE)), saved(0x2000, new Uint8Array(PAGE))], usesPnXnum: true });
    const elf = openElf(source(bytes.subarray(0, bytes.length - 64)), 'core');
    expect(elf.programHeaders.length).toBe(3);
    expect(elf.problems[0]).toContain('section header 0 is missing');
  });

  test('gives no address to a segment outside user space', () => {
    const bytes = writeCore({ mappings: [{ type: PT_LOAD, vaddr: 0xffff_ffff_ff60_0000n, data: new Uint8Array(PAGE) }] });
    expect(openElf(source(bytes), 'core').programHeaders.at(-1)?.vaddr).toBeUndefined();
  });

  test('reads .bss as zero, and nothing outside the segments', () => {
    const data = new Uint8Array(PAGE).fill(7);
    const elf = openElf(source(writeExecutable({ data })));
    const end = 0x400000 + IMAGE.bss;
    expect(Array.from(elf.readAtVirtualAddress(end - 2, 4))).toEqual([7, 7, 0, 0]);
    expect(Array.from(elf.readAtVirtualAddress(0x400000 + IMAGE.data - 1, 2))).toEqual([0, 7]);
    expect(() => elf.readAtVirtualAddress(0x400000 + IMAGE.end - 1, 2)).toThrow(new FaultError(0x400000 + IMAGE.end, 1, 'unmapped'));
    expect(() => elf.readAtVirtualAddress(0x400000, 2 ** 40)).toThrow(LimitError);
  });
});

describe('symbols', () => {
  const symbols = [
    { name: 'v8dbg_a', value: 0x403000 },
    { name: 'v8dbg_b', value: 0x403008, info: 1 },
    { name: 'undefined_one', value: 0x1, section: 0 },
    { name: 'main', value: 0x401010, size: 32, info: 2 },
    { name: 'v8dbg_b', value: 0x403010, isDynamic: true },
    { name: 'größe', value: 0x403018, isDynamic: true },
  ];
  const elf = openElf(source(writeExecutable({ symbols })));

  test('come from .symtab and .dynsym, defined ones only', () => {
    const seen: string[] = [];
    elf.forEachSymbol((name, value, size) => seen.push(`${name} ${value.toString(16)} ${size}`));
    expect(seen).toEqual(['v8dbg_a 403000 8', 'v8dbg_b 403008 8', 'main 401010 32', 'v8dbg_b 403010 8', 'größe 403018 8']);
  });

  test('are found by prefix, a global one before a local one of its name', () => {
    expect(elf.symbolsWithPrefix('v8dbg_').map((s) => [s.name, s.value])).toEqual([
      ['v8dbg_a', 0x403000],
      ['v8dbg_b', 0x403010],
    ]);
  });

  test('are found by prefix among the exported ones alone', () => {
    expect(elf.exportedSymbolsWithPrefix('v8dbg_').map((s) => [s.name, s.value])).toEqual([['v8dbg_b', 0x403010]]);
  });

  test('are looked up by name', () => {
    const found = elf.lookupSymbols(['main', 'größe', 'mai', 'none', 'undefined_one']);
    expect([...found.keys()].sort()).toEqual(['größe', 'main']);
    expect(elf.lookupSymbols(['main']).get('main')?.size).toBe(32);
    expect(elf.lookupSymbols([]).size).toBe(0);
  });

  test('are none when the section headers are cut off, and the file says so', () => {
    const bytes = writeExecutable({ symbols, buildId: BUILD_ID });
    const cut = openElf(source(bytes.subarray(0, bytes.length - 1)));
    expect(cut.symbolsWithPrefix('')).toEqual([]);
    expect(cut.problems).toEqual(['/it: the section headers are not all in the file']);
    expect(cut.buildId).toBe(BUILD_ID);
  });
});

describe('what cannot be read is named', () => {
  const messageOf = (bytes: Uint8Array): string => {
    try {
      openElf(source(bytes), 'core');
    } catch (error) {
      expect(error).toBeInstanceOf(UnsupportedError);
      return (error as Error).message;
    }
    return 'opened';
  };

  test.each([
    ['text', new TextEncoder().encode('hello\n'), 'is not an ELF core file'],
    ['nothing', new Uint8Array(0), 'is empty'],
    ['a compressed core', Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]), 'is compressed with zstd, not an ELF core file'],
    ['a 32-bit core', writeCore({ elfClass: 1, machine: 3 }), 'is a 32-bit core; only 64-bit x86-64 cores are supported'],
    ['a core of AArch64', writeCore({ machine: 183 }), 'is an AArch64 core; only 64-bit x86-64 cores are supported'],
    ['a core of MIPS', writeCore({ machine: 8 }), 'is a MIPS core; only 64-bit x86-64 cores are supported'],
    ['a core of a machine without a name', writeCore({ machine: 9999 }), 'is a core of ELF machine 9999; only 64-bit x86-64 cores are supported'],
    ['an executable', writeExecutable({}), 'is an ELF executable, not a core file'],
    ['a library', writeExecutable({ type: ET_DYN }), 'is an ELF executable or shared library, not a core file'],
  ])('%s', (_, bytes, message) => {
    expect(messageOf(bytes)).toBe(`/it: ${message}`);
  });

  test('a big-endian core', () => {
    const bytes = writeCore({ data: 2 });
    bytes.set([0, 4, 0, 22], 16);
    expect(messageOf(bytes)).toBe('/it: is a big-endian core; only 64-bit x86-64 cores are supported');
  });

  test('a core where an executable is wanted', () => {
    expect(() => openElf(source(writeCore({})))).toThrow('/it: is a core file, not an executable or a library');
  });

  test('a file that ends inside its headers', () => {
    const bytes = writeCore({ mappings: [saved(0x1000, new Uint8Array(PAGE))] });
    expect(() => openElf(source(bytes.subarray(0, 40)), 'core')).toThrow('/it: ELF header at offset 0: the file is cut: 64 bytes are needed and it ends at 40');
    expect(() => openElf(source(bytes.subarray(0, 100)), 'core')).toThrow(
      '/it: program headers at offset 64: the file is cut: 112 bytes are needed and it ends at 100',
    );
  });

  test('a table that claims to be larger than any', () => {
    const bytes = writeCore({ usesPnXnum: true });
    const at = bytes.length - 64 + 44;
    new DataView(bytes.buffer).setUint32(at, 0xffff_fff0, true);
    expect(() => openElf(source(bytes), 'core')).toThrow(LimitError);
    new DataView(bytes.buffer).setUint32(at, 1_000_000, true);
    expect(() => openElf(source(bytes), 'core')).toThrow(MalformedInputError);
  });
});
