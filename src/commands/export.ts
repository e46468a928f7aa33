/** `export`: a source's object graph as a file that other programs read. */
import type { HeapSource, WorkOptions } from '../session/source.ts';
import type { ByteSink } from '../snapshot/json-writer.ts';
import type { WrittenSnapshot } from '../snapshot/write.ts';
import { writeSnapshot } from '../snapshot/write.ts';

/** How an export is made. */
export interface ExportOptions extends WorkOptions {
  /** Writes what is in strings; without it, only how long each is. */
  readonly strings: boolean;
}

const PHASE = 'write';

/**
 * Writes the object graph of a source as a V8 heap snapshot. The source stays open.
 * @param sink takes the file from front to back; awaited before the next piece is made
 * @throws {UnsupportedError} when the source has no graph to give
 * @throws {InterruptedError} when `options.signal` is aborted
 */
export async function exportSnapshot(source: HeapSource, sink: ByteSink, options: ExportOptions): Promise<WrittenSnapshot> {
  const whole = await source.graph(options);
  return writeSnapshot(whole.graph, sink, {
    strings: options.strings,
    places: whole.places,
    placeOf: (node) => {
      const row = whole.functionOf(node);
      return row?.script === undefined || row.line === undefined ? undefined : { script: row.script, line: row.line, column: row.column ?? 1 };
    },
    control: { isCancelled: () => options.signal?.aborted === true, onProgress: (share) => options.onProgress?.(PHASE, share) },
  });
}
