import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bufferSource } from '../../src/bytes/byte-source.ts';
import { ET_DYN, PT_NOTE } from '../../src/elf/constants.ts';
import { openElf } from '../../src/elf/elf-file.ts';
import { decodeCoreNotes } from '../../src/elf/notes.ts';
import { CoreleakError } from '../../src/errors.ts';
import { openTarget } from '../../src/target/target.ts';
import { mapExecutable, writeCore, writeStack } from '../support/core-writer.ts';
import { IMAGE, writeExecutable } from '../support/elf-writer.ts';
import { makeTempFolder, writeFileIn } from '../support/temp-files.ts';

const MAX_MS = 5000;
const BIAS = 0x5555_5555_4000;

/** Either it returns or it throws a CoreleakError, and both soon. */
function behaves(body: () => void): void {
  const start = performance.now();
  try {
    body();
  } catch (error) {
    if (!(error instanceof CoreleakError)) throw error;
    expect(error.message).not.toContain('\n');
  }
  expect(performance.now() - start).toBeLessThan(MAX_MS);
}

/** Numbers that formats trip over: small ones, borders of fields, and anything. */
const word = fc.oneof(
  fc.constantFrom(0n, 1n, 7n, 0xffffn, 0x7fffffffn, 0xffffffffn, 2n ** 47n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 65536n }),
);

interface Edit {
  readonly at: number;
  readonly width: number;
  readonly value: bigint;
}

/** Edits that hit headers and notes more often than pages of content. */
const edits = fc.array(
  fc.record({ at: fc.oneof(fc.nat(64), fc.nat(1024), fc.integer({ min: 4096, max: 6200 }), fc.nat(80_000)), width: fc.constantFrom(1, 2, 4, 8), value: word }),
  { maxLength: 8 },
);

function edited(original: Uint8Array, changes: readonly Edit[], keptShare: number): Uint8Array {
  const bytes = original.slice();
  const view = new DataView(bytes.buffer);
  for (const { at, width, value } of changes) {
    const place = at % (bytes.length - 8);
    for (let i = 0; i < width; i += 1) view.setUint8(place + i, Number((value >> BigInt(8 * i)) & 0xffn));
  }
  return bytes.subarray(0, Math.ceil(bytes.length * keptShare));
}

const keptShare = fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) });

const image = writeExecutable({
  type: ET_DYN,
  buildId: 'bd05d6407047594fc3d31dd4ed4a37fe48c01f93',
  tls: { memsz: 8, align: 8 },
  symbols: [
    { name: 'answer', value: IMAGE.data },
    { name: 'dynamic', value: IMAGE.data + 8, isDynamic: true },
  ],
});

function makeCore(binary: string, writer: 'kernel' | 'gcore'): Uint8Array {
  const mapped = mapExecutable(image, ET_DYN, binary, BIAS);
  const stack = writeStack({
    end: 0x7ffe_0000_0000,
    argv: ['node', 'a.js'],
    environment: ['A=1'],
    execfn: 'node',
    auxv: [
      [3, BIAS + 64],
      [9, BIAS + IMAGE.entry],
    ],
  });
  return writeCore({
    writer,
    pid: 7,
    signal: { signo: 6 },
    threads: [{ tid: 7, rsp: stack.rsp, fsBase: 0x7f00_0000_0000 }, { tid: 8 }],
    auxv: stack.auxv,
    files: mapped.files,
    mappings: [...mapped.mappings, stack.mapping],
  });
}

describe('damaged input', () => {
  test('an ELF file with changed bytes is read or refused', () => {
    fc.assert(
      fc.property(edits, keptShare, (changes, share) => {
        behaves(() => {
          const elf = openElf(bufferSource('it', edited(image, changes, share)));
          elf.lookupSymbols(['answer', 'dynamic']);
          elf.symbolsWithPrefix('');
          expect(elf.buildId ?? '').toMatch(/^[0-9a-f]*$/);
          elf.readAtVirtualAddress(IMAGE.data, 8192);
        });
      }),
      { numRuns: 3000 },
    );
  });

  test('any bytes at all are read or refused as notes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(0, 4, 8), (bytes, align) => {
        behaves(() => decodeCoreNotes(bufferSource('it', bytes), [{ offset: 0, filesz: bytes.length, align }]));
      }),
      { numRuns: 3000 },
    );
  });

  test.each(['kernel', 'gcore'] as const)('a core of %s with changed bytes opens or is refused, and never reads beyond its file', (writer) => {
    const folder = makeTempFolder();
    const binary = writeFileIn(folder, 'node', image);
    const original = makeCore(binary, writer);
    const path = writeFileIn(folder, 'core', original);
    fc.assert(
      fc.property(edits, keptShare, (changes, share) => {
        const bytes = edited(original, changes, share);
        writeFileSync(path, bytes);
        behaves(() => {
          const target = openTarget(path);
          try {
            const { memory } = target;
            expect(memory.savedBytes).toBeLessThanOrEqual(bytes.length);
            for (const mapping of memory.mappings) {
              const length = mapping.savedEnd - mapping.start;
              expect(mapping.savedEnd).toBeLessThanOrEqual(mapping.end);
              expect(memory.readInto(new Uint8Array(length), mapping.start)).toBe(length);
              memory.isReadable(mapping.start, mapping.end - mapping.start);
            }
            for (const thread of target.threads) target.threadLocalAddress(thread, 0);
            target.findSymbol('answer');
          } finally {
            target.close();
          }
        });
      }),
      { numRuns: 1500 },
    );
  });

  test('bytes with an ELF header in front of them are read or refused as a core', () => {
    const header = makeCore('/node', 'kernel').subarray(0, 64);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        behaves(() => {
          const source = bufferSource('it', Buffer.concat([header, bytes]));
          const elf = openElf(source, 'core');
          decodeCoreNotes(
            source,
            elf.programHeaders.filter((h) => h.type === PT_NOTE),
          );
        });
      }),
      { numRuns: 2000 },
    );
  });
});
