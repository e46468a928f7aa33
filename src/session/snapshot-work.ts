/** What is done to a snapshot away from the main thread: parse it and count it. */
import { openFileSource } from '../bytes/byte-source.ts';
import { LimitError, MalformedInputError, UnsupportedError } from '../errors.ts';
import type { HeapCensus } from '../graph/census.ts';
import type { Control } from '../graph/control.ts';
import { takeGraphCensus } from '../graph/graph-census.ts';
import type { SnapshotColumns } from '../snapshot/parse.ts';
import { parseSnapshot } from '../snapshot/parse.ts';
import { stringTable } from '../snapshot/strings.ts';

/** A snapshot that has been read and counted; all of it can be sent to another thread. */
export interface CountedSnapshot {
  readonly columns: SnapshotColumns;
  readonly census: HeapCensus;
}

/** Share of the work that is done when the file is read. */
const PARSED = 0.5;

/** Parses and counts the snapshot at `path`; throws what `parseSnapshot` throws. */
export function countSnapshot(path: string, onShare: (share: number) => void): CountedSnapshot {
  const source = openFileSource(path);
  try {
    const part = (from: number, to: number): Control => ({ onProgress: (share) => onShare(from + share * (to - from)) });
    const columns = parseSnapshot(source, part(0, PARSED));
    const { graph, strings, places } = columns;
    return { columns, census: takeGraphCensus({ graph, strings: stringTable(strings), places }, part(PARSED, 1)) };
  } finally {
    source.close();
  }
}

/** An error as a record that can be sent to another thread, where it is made anew. */
export type SentError =
  | { readonly kind: 'malformed'; readonly message: string; readonly source: string; readonly offset: number; readonly field: string }
  | { readonly kind: 'limit'; readonly limit: string; readonly wanted: number; readonly cap: number }
  | { readonly kind: 'unsupported' | 'unexpected'; readonly message: string };

/** Packs an error. */
export function packError(error: unknown): SentError {
  if (error instanceof MalformedInputError) {
    const { message, source, offset, field } = error;
    return { kind: 'malformed', message, source, offset, field };
  }
  if (error instanceof LimitError) return { kind: 'limit', limit: error.limit, wanted: error.wanted, cap: error.cap };
  const message = error instanceof Error ? error.message : String(error);
  return { kind: error instanceof UnsupportedError ? 'unsupported' : 'unexpected', message };
}

/** Makes the error that was packed. */
export function unpackError(sent: SentError): Error {
  switch (sent.kind) {
    case 'malformed': {
      const start = `${sent.source}: ${sent.field} at offset ${sent.offset}: `;
      return new MalformedInputError(sent.source, sent.offset, sent.field, sent.message.slice(start.length));
    }
    case 'limit':
      return new LimitError(sent.limit, sent.wanted, sent.cap);
    case 'unsupported':
      return new UnsupportedError(sent.message);
    case 'unexpected':
      return new Error(sent.message);
  }
}

/** What the worker sends: shares of the work, then an answer or an error. */
export type SnapshotReply =
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'counted'; readonly counted: CountedSnapshot }
  | { readonly kind: 'failed'; readonly error: SentError };
