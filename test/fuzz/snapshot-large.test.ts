/** Snapshots whose sections lie beyond 2 and 4 GiB: places in the file are not 32-bit numbers anywhere. */
import { expect, test } from 'vitest';
import { bufferSource } from '../../src/bytes/byte-source.ts';
import type { ByteSource } from '../../src/bytes/byte-source.ts';
import { MalformedInputError } from '../../src/errors.ts';
import { parseSnapshot } from '../../src/snapshot/parse.ts';
import { SMALL_HEAP, writeSnapshot } from '../support/snapshot-writer.ts';

const SPACE = 0x20;

/** The bytes with white space put in before `at`, of which there is so much that the file is as large as `size`. */
function stretched(bytes: Buffer, at: number, size: number): ByteSource {
  const gap = size - bytes.length;
  return {
    ...bufferSource('large.heapsnapshot', bytes),
    name: 'large.heapsnapshot',
    size,
    readInto: (target, from) => {
      const length = Math.max(0, Math.min(target.length, size - from));
      target.fill(SPACE, 0, length);
      for (const [part, place] of [
        [bytes.subarray(0, at), 0],
        [bytes.subarray(at), at + gap],
      ] as const) {
        const first = Math.max(from, place);
        const last = Math.min(from + length, place + part.length);
        if (first < last) target.set(part.subarray(first - place, last - place), first - from);
      }
      return length;
    },
  };
}

const original = writeSnapshot(SMALL_HEAP);
const whole = parseSnapshot(bufferSource('small', original));

test.each([
  ['nodes', '"nodes"', 2 ** 31 + 12_345],
  ['the strings', '"strings"', 2 ** 32 + 12_345],
])('%s may lie anywhere in a large file', (_what, key, size) => {
  const at = original.indexOf(key);
  const { graph } = parseSnapshot(stretched(original, at, size));
  expect(graph).toEqual(whole.graph);
});

test('an error names the place in a large file', () => {
  const bytes = Buffer.from(original);
  const edges = bytes.indexOf('"edges":[') + '"edges":['.length;
  // The type of the first edge.
  bytes[edges] = '9'.charCodeAt(0);
  const size = 2 ** 31 + 777;
  const expected = edges + size - bytes.length;
  let error: unknown;
  try {
    parseSnapshot(stretched(bytes, bytes.indexOf('"nodes"'), size));
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(MalformedInputError);
  expect(error).toMatchObject({ offset: expected, field: 'edges.type' });
});
