import { describe, expect, it } from 'vitest';
import { report } from '../../../src/commands/report.ts';
import { InterruptedError, MalformedInputError, UnsupportedError } from '../../../src/errors.ts';
import { reportJson } from '../../../src/render/report-json.ts';
import { reportText } from '../../../src/render/report-text.ts';
import { openSource } from '../../../src/session/open.ts';
import { tryOpenSnapshot } from '../../../src/session/open-snapshot.ts';
import { packError, unpackError } from '../../../src/session/worker-task.ts';
import { SMALL_HEAP, writeSnapshot } from '../../support/snapshot-writer.ts';
import { makeTempFolder, writeFileIn } from '../../support/temp-files.ts';

const snapshotFile = (bytes: Uint8Array = writeSnapshot(SMALL_HEAP)): string => writeFileIn(makeTempFolder(), 'x.heapsnapshot', bytes);

describe('a heap snapshot as a source', () => {
  it('is told by what the file starts with', async () => {
    const path = snapshotFile();
    const source = await openSource(path);
    expect(source.facts).toMatchObject({ path, kind: 'heapsnapshot', takenAt: undefined, process: { pid: 0, argv: [] }, memory: [] });
    expect(source.facts.warnings[0]).toContain('a heap snapshot has no process facts');
    expect(source.layout).toBeUndefined();
    source.close();
    expect(tryOpenSnapshot(snapshotFile(Buffer.from('{"other":1}')))).toBeUndefined();
    expect(() => tryOpenSnapshot('/nonexistent')).toThrow(UnsupportedError);
  });

  it('prints a report that claims nothing it cannot know', async () => {
    const path = snapshotFile();
    const result = await report([() => openSource(path)], { version: '1', top: undefined, strings: false });
    const text = reportText(result, { width: 100, paint: (_, it) => it, rows: 20, suspects: 5, internals: true, program: 'coreleak', elapsed: undefined });
    expect(text).toContain('heap snapshot, V8 heap');
    expect(text).toContain('retained');
    expect(text).toMatch(/COVERAGE\s+complete: 10 objects of the file/);
    expect(text).not.toMatch(/pid 0|binary|v0\.0\.0|dead objects|pages|SPACES|MEMORY|are live|Retained sizes/);
    const counted = await report([() => openSource(path)], { version: '1', top: undefined, strings: false, retained: false });
    expect(counted.shapes.every((row) => row.retainedBytes === undefined)).toBe(true);
    const json = JSON.parse(reportJson(result)) as { sources: { runtime: { node: string } }[]; shapes: { retainedBytes: number; representative: string }[] };
    expect(json.sources[0]?.runtime.node).toMatch(/^v\d+\.\d+\.\d+-unknown$/);
    for (const row of json.shapes) {
      expect(row.retainedBytes).toBeTypeOf('number');
      expect(row.representative).toMatch(/^0x[0-9a-f]+$/);
    }
  });

  it('counts the same in a worker thread, and shows values', async () => {
    const path = snapshotFile();
    const inline = tryOpenSnapshot(path)!;
    const threaded = tryOpenSnapshot(path, { workerFrom: 0 })!;
    const shares: number[] = [];
    expect(await threaded.census({ onProgress: (_, share) => shares.push(share) })).toEqual(await inline.census());
    expect(shares.at(-1)).toBe(1);
    for (const source of [inline, threaded]) {
      expect(source.preview(7, { strings: false, maxLength: 80 })).toBe('Session {text: (string)}');
      expect(source.preview(8, { strings: false, maxLength: 80 })).toBe('no node of the snapshot has this id');
      source.close();
      expect(source.preview(7, { strings: false, maxLength: 80 })).toBe('');
    }
  });

  it('gives its object graph, worked on here or in a worker thread', async () => {
    const path = snapshotFile();
    const inline = tryOpenSnapshot(path)!;
    const threaded = tryOpenSnapshot(path, { graphWorkerFrom: 0 })!;
    const [here, there] = [await inline.graph(), await threaded.graph()];
    expect(await inline.graph()).toBe(here);
    const phases = new Set<string>();
    const sizes = await there.retained({ onProgress: (phase) => phases.add(phase) });
    expect(sizes).toEqual(await here.retained());
    expect(await there.pathTree()).toEqual(await here.pathTree());
    expect((await there.paths()).distances).toEqual((await here.paths()).distances);
    expect([...phases]).toEqual(['retained sizes']);
    expect(sizes.census.constructors.find((row) => row.name === 'Session')?.retainedBytes).toBe(40 + 32 + 72 + 64 + 16 + 16);
    const session = here.findNode(7)!;
    expect(here.graph.nodeLabel(session)).toBe('Session');
    expect(here.graph.shapes.at(here.graph.nodeShape[session]!)).toMatchObject({ constructorName: 'Session', properties: ['id', 'text'] });
    expect(here.findNode(8)).toBeUndefined();
    expect(here.functionOf(here.findNode(13)!)).toMatchObject({ name: 'onData', script: '/app/server.js', line: 10, column: 5 });
    expect(here.functionOf(session)).toBeUndefined();
    const controller = new AbortController();
    const another = await tryOpenSnapshot(path, { graphWorkerFrom: 0 })!.graph();
    const working = another.retained({ signal: controller.signal });
    controller.abort();
    await expect(working).rejects.toThrow(InterruptedError);
    // An interrupted step can be asked for again.
    expect((await another.retained()).dominators).toEqual(sizes.dominators);
  });

  it.each([0, undefined])('says where a file is cut off, and stops when asked (worker from %s bytes)', async (workerFrom) => {
    const options = workerFrom === undefined ? {} : { workerFrom };
    const bytes = writeSnapshot(SMALL_HEAP);
    const cut = tryOpenSnapshot(snapshotFile(bytes.subarray(0, bytes.length / 2)), options)!;
    await expect(cut.census()).rejects.toThrow(MalformedInputError);
    await expect(cut.census()).rejects.toThrow(/x\.heapsnapshot: \w+ at offset \d+: the file ends here$/);
    const stopped = tryOpenSnapshot(snapshotFile(), options)!;
    await expect(stopped.census({ signal: AbortSignal.abort() })).rejects.toThrow(InterruptedError);
    if (workerFrom === 0) {
      const controller = new AbortController();
      const counting = stopped.census({ signal: controller.signal });
      controller.abort();
      await expect(counting).rejects.toThrow(InterruptedError);
    }
  });
});

describe('errors between threads', () => {
  it('come out as they went in', () => {
    for (const error of [new MalformedInputError('f', 3, 'nodes', 'odd'), new UnsupportedError('no')]) {
      const made = unpackError(structuredClone(packError(error)));
      expect(made).toEqual(error);
      expect(made.message).toBe(error.message);
    }
    expect(unpackError(packError(new TypeError('oops'))).message).toBe('oops');
  });
});
