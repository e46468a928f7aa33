/** Runs one heavy step in a worker thread that is started for it, and ended when it is done or nobody waits for it any more. */
import { Worker } from 'node:worker_threads';
import { InterruptedError, LimitError, MalformedInputError, UnsupportedError } from '../errors.ts';
import type { WorkOptions } from './source.ts';

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

/** What a worker sends: shares of the work, then an answer or an error. */
export type TaskReply<T> =
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'done'; readonly answer: T }
  | { readonly kind: 'failed'; readonly error: SentError };

/** Answers a task from inside its worker. */
export function answerTask<T>(reply: (message: TaskReply<T>) => void, work: (onShare: (share: number) => void) => T): void {
  try {
    reply({ kind: 'done', answer: work((share) => reply({ kind: 'share', share })) });
  } catch (error) {
    reply({ kind: 'failed', error: packError(error) });
  }
}

/** Starts a worker on the built file; from the sources (tests) it has to load TypeScript first, as its parent does. */
function startWorker(name: string, workerData: unknown): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, import.meta.url), { workerData });
  const file = JSON.stringify(new URL(`./${name}.ts`, import.meta.url).href);
  return new Worker(`import('tsx/esm/api').then(({ register }) => { register(); return import(${file}); });`, { eval: true, workerData });
}

/**
 * Runs the worker file `name` of this folder with some data and waits for its answer. An abort ends it at once, wherever it is.
 * @throws {InterruptedError} when `signal` is aborted
 */
export function runTask<T>(name: string, data: unknown, phase: string, { signal, onProgress }: WorkOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new InterruptedError());
      return;
    }
    const worker = startWorker(name, data);
    const end = (): void => {
      signal?.removeEventListener('abort', abort);
      void worker.terminate();
    };
    const abort = (): void => {
      end();
      reject(new InterruptedError());
    };
    signal?.addEventListener('abort', abort);
    worker.on('message', (message: TaskReply<T>) => {
      if (message.kind === 'share') {
        onProgress?.(phase, message.share);
        return;
      }
      end();
      if (message.kind === 'done') resolve(message.answer);
      else reject(unpackError(message.error));
    });
    worker.on('error', (error: Error) => {
      end();
      reject(error);
    });
    worker.on('exit', () => {
      end();
      reject(new Error(`the thread for ${phase} ended without an answer`));
    });
  });
}
