/** What is done to a snapshot away from the main thread: parse it and count it. */
import { openFileSource } from '../bytes/byte-source.ts';
import { partOf } from '../graph/control.ts';
import type { GraphCensus } from '../graph/graph-census.ts';
import { takeGraphCensus } from '../graph/graph-census.ts';
import type { SnapshotColumns } from '../snapshot/parse.ts';
import { parseSnapshot } from '../snapshot/parse.ts';
import { stringTable } from '../snapshot/strings.ts';

/** A snapshot that has been read and counted; all of it can be sent to another thread. */
export interface CountedSnapshot {
  readonly columns: SnapshotColumns;
  readonly counted: GraphCensus;
}

/** Share of the work that is done when the file is read. */
const PARSED = 0.7;

/** Parses and counts the snapshot at `path`; throws what `parseSnapshot` throws. */
export function countSnapshot(path: string, onProgress: (share: number) => void): CountedSnapshot {
  const source = openFileSource(path);
  try {
    const columns = parseSnapshot(source, partOf({ onProgress }, 0, PARSED));
    const { graph, strings, places } = columns;
    return { columns, counted: takeGraphCensus({ graph, strings: stringTable(strings), places }, partOf({ onProgress }, PARSED, 1)) };
  } finally {
    source.close();
  }
}
