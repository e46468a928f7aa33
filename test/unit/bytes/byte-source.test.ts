import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bufferSource, openFileSource, type ByteSource } from '../../../src/bytes/byte-source.ts';
import { LimitError, MalformedInputError, UnsupportedError } from '../../../src/errors.ts';
import { makeTempFolder, writeFileIn } from '../../support/temp-files.ts';

const SIZE = 3 * 65536 + 100;

/** Bytes in which every place tells its own offset. */
function pattern(): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  for (let i = 0; i < SIZE; i += 1) bytes[i] = (i * 31 + (i >>> 8) * 7) & 0xff;
  return bytes;
}

function fileSource(maxPages?: number): ByteSource {
  return openFileSource(writeFileIn(makeTempFolder(), 'data', pattern()), maxPages === undefined ? {} : { maxPages });
}

describe.each([
  ['a file', () => fileSource()],
  ['a file with a cache of one page', () => fileSource(1)],
  ['a buffer', () => bufferSource('data', pattern())],
])('%s', (_, open) => {
  test('reads every width at every kind of place, page borders included', () => {
    withSource(open(), (source) => {
      const bytes = pattern();
      const view = new DataView(bytes.buffer);
      for (const at of [0, 1, 65530, 65533, 65535, 65536, 131069, 131071, 7, SIZE - 8]) {
        expect(source.readU8(at)).toBe(view.getUint8(at));
        expect(source.readU16(at)).toBe(view.getUint16(at, true));
        expect(source.readU32(at)).toBe(view.getUint32(at, true));
        expect(source.readI32(at)).toBe(view.getInt32(at, true));
        expect(source.readF64(at)).toBe(view.getFloat64(at, true));
      }
    });
  });

  test('copies ranges within and across pages', () => {
    withSource(open(), (source) => {
      const bytes = pattern();
      for (const [at, length] of [
        [0, 10],
        [65530, 12],
        [100, 140_000],
        [SIZE - 5, 5],
        [SIZE, 0],
      ] as const) {
        expect(Buffer.compare(source.readBytes(at, length), bytes.subarray(at, at + length))).toBe(0);
      }
    });
  });

  test('gives copies that later reads do not change', () => {
    withSource(open(), (source) => {
      const first = source.readBytes(0, 16);
      for (let page = 0; page < 3; page += 1) source.readBytes(page * 65536, 16);
      expect(first).toEqual(pattern().slice(0, 16));
    });
  });

  test('throws past its end instead of inventing bytes', () => {
    withSource(open(), (source) => {
      expect(() => source.readU32(SIZE - 3)).toThrow(MalformedInputError);
      expect(() => source.readU8(SIZE)).toThrow(MalformedInputError);
      expect(() => source.readU8(-1)).toThrow(MalformedInputError);
      expect(() => source.readU32(Number.NaN)).toThrow(MalformedInputError);
      expect(() => source.readBytes(SIZE - 4, 5)).toThrow(MalformedInputError);
      expect(() => source.readBytes(0, 2 ** 40)).toThrow(LimitError);
    });
  });

  test("fills a caller's buffer, short at its end only", () => {
    withSource(open(), (source) => {
      const shared = new Uint8Array(new SharedArrayBuffer(70_000));
      expect(source.readInto(shared, 1000)).toBe(70_000);
      expect(Array.from(shared.subarray(0, 64))).toEqual(Array.from(pattern().subarray(1000, 1064)));
      expect(source.readInto(new Uint8Array(10), SIZE - 3)).toBe(3);
      expect(source.readInto(new Uint8Array(10), SIZE + 3)).toBe(0);
    });
  });
});

describe('opening a file', () => {
  const messageOf = (path: string): string => {
    try {
      openFileSource(path).close();
    } catch (error) {
      expect(error).toBeInstanceOf(UnsupportedError);
      return (error as Error).message;
    }
    return 'opened';
  };

  test('says in one line why it cannot', () => {
    const folder = makeTempFolder();
    const empty = writeFileIn(folder, 'empty', '');
    expect(messageOf(`${folder}/none`)).toBe(`${folder}/none: no such file`);
    expect(messageOf(`${empty}/below`)).toBe(`${empty}/below: no such file`);
    expect(messageOf(folder)).toBe(`${folder}: is a directory`);
    expect(messageOf(empty)).toBe(`${empty}: is empty`);
    expect(messageOf('/dev/null')).toBe('/dev/null: is not a regular file');
    expect(messageOf('a\0b')).toBe('a\0b: not a valid file name');
  });

  test('does not wait for a pipe', () => {
    const path = `${makeTempFolder()}/pipe`;
    execFileSync('/usr/bin/mkfifo', [path]);
    expect(messageOf(path)).toBe(`${path}: is not a regular file`);
  });

  test.skipIf(process.getuid?.() === 0)('says that permission is denied', () => {
    const path = writeFileIn(makeTempFolder(), 'secret', 'x');
    chmodSync(path, 0);
    expect(messageOf(path)).toBe(`${path}: permission denied`);
  });
});

function withSource(source: ByteSource, body: (source: ByteSource) => void): void {
  try {
    body(source);
  } finally {
    source.close();
    source.close();
  }
}
