/** The object graph of a core whose heap was changed here and there: a graph that holds together, or an error of coreleak's own, within time. */
import { closeSync, constants, copyFileSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TemporaryDirectory } from '../../cores/machine.ts';
import { makeCore } from '../../cores/make.ts';
import { CoreleakError } from '../../src/errors.ts';
import { computeDominators } from '../../src/graph/dominators.ts';
import { verifyGraph } from '../../src/graph/verify.ts';
import { openTarget } from '../../src/target/target.ts';
import { extractGraph } from '../../src/v8/extract-graph.ts';
import { takeCensus } from '../../src/v8/heap-census.ts';
import { planHeap } from '../../src/v8/read-heap.ts';
import { prepare, targetsOf, titleOf } from '../support/real-cores.ts';

/** Where the file of a core has the byte at an address. */
function fileOffsets(fd: number): (address: number) => number | undefined {
  const header = Buffer.alloc(64);
  readSync(fd, header, 0, 64, 0);
  const table = Buffer.alloc(header.readUInt16LE(56) * 56);
  readSync(fd, table, 0, table.length, Number(header.readBigUInt64LE(32)));
  const segments = Array.from({ length: table.length / 56 }, (_, i) => {
    const number = (field: number): number => Number(table.readBigUInt64LE(i * 56 + field));
    return { isLoad: table.readUInt32LE(i * 56) === 1, offset: number(8), address: number(16), bytes: number(32) };
  });
  return (address) => {
    const found = segments.find((each) => each.isLoad && address >= each.address && address < each.address + each.bytes);
    return found === undefined ? undefined : found.offset + address - found.address;
  };
}

const RUNS = 12;
/** A sound core of this size takes about two seconds. */
const MOST_MS = 30_000;

const [target] = await targetsOf('value-kinds', ['self']);
describe.skipIf(target?.skip !== undefined)(target === undefined ? 'no core' : titleOf(target), () => {
  const made = prepare(() => makeCore({ program: 'value-kinds', node: 'self', kind: target!.kind }));

  it(
    'gives a graph or an error of its own, whatever words of the heap are changed',
    async () => {
      using directory = new TemporaryDirectory();
      const path = join(directory.path, 'core');
      copyFileSync(made().core, path, constants.COPYFILE_FICLONE);
      const fd = openSync(path, 'r+');
      try {
        const { pages } = planHeap(openTarget(path, { binary: made().binary })).parts;
        const offsetOf = fileOffsets(fd);
        // A word of a heap page, changed into another one of the heap, a small integer, or by one bit.
        const change = fc.record({ page: fc.nat(pages.length - 1), place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), what: fc.constantFrom('bit', 'pointer', 'smi', 'zero'), value: fc.nat(0x7fffffff) });
        let graphs = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 400 }), async (changes) => {
            const old: { offset: number; word: Buffer }[] = [];
            for (const { page: index, place, what, value } of changes) {
              const page = pages[index]!;
              const at = page.areaStart + Math.floor((place * (page.areaEnd - page.areaStart)) / 8) * 8;
              const offset = offsetOf(at);
              if (offset === undefined) continue;
              const word = Buffer.alloc(8);
              readSync(fd, word, 0, 8, offset);
              old.push({ offset, word: Buffer.from(word) });
              if (what === 'bit') word[value & 7]! ^= 1 << ((value >>> 3) & 7);
              else if (what === 'pointer') word.writeBigUInt64LE(BigInt(pages[value % pages.length]!.areaStart + (value % 30_000) * 8 + 1));
              else word.writeBigUInt64LE(what === 'smi' ? BigInt(value) << 32n : 0n);
              writeSync(fd, word, 0, 8, offset);
            }
            try {
              const started = performance.now();
              const { graph } = await extractGraph(await takeCensus(planHeap(openTarget(path, { binary: made().binary }))));
              expect(verifyGraph(graph).filter(({ kind }) => kind !== 'unreachable')).toEqual([]);
              expect(computeDominators(graph).retainedSize[0]).toBeGreaterThan(0);
              for (let i = 0; i < 2000; i++) {
                graph.edgeLabel(Math.floor((graph.edgeCount * i) / 2000));
                graph.nodeLabel(Math.floor((graph.nodeCount * i) / 2000));
              }
              expect(performance.now() - started).toBeLessThan(MOST_MS);
              graphs++;
            } catch (error) {
              if (!(error instanceof CoreleakError)) throw error;
            } finally {
              for (const { offset, word } of old.reverse()) writeSync(fd, word, 0, 8, offset);
            }
          }),
          { numRuns: RUNS, endOnFailure: true },
        );
        expect(graphs).toBeGreaterThan(0);
      } finally {
        closeSync(fd);
      }
    },
    RUNS * MOST_MS,
  );
});
