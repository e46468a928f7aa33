/** A large file that a verb writes in pieces: whole or not at all. */
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, write } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cannotWrite } from './output.ts';

const writeTo = promisify(write);

/** It may hold what is secret. */
const OWNER_ONLY = 0o600;

/** A file that is not in its place yet. */
export interface OutputFile {
  /** Adds bytes at the end. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Puts the file in its place. */
  readonly commit: () => void;
  /** Gives up: nothing is left, and what was in the file's place stays. Does nothing after `commit`. */
  readonly discard: () => void;
}

/**
 * Opens a file beside `path`, readable by its owner alone, that takes its place when it is whole. What is no plain file, such as a pipe, is written to as it is.
 * When `signal` is aborted, the file is gone before anything else happens: the process may end at once.
 * @throws {UsageError} from here and from what is returned, when it cannot be written
 */
export function openOutputFile(path: string, signal: AbortSignal): OutputFile {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw cannotWrite(path, error);
    }
  };
  const present = guarded(() => statSync(path, { throwIfNoEntry: false }));
  const isPlain = present?.isFile() ?? true;
  const target = guarded(() => (present === undefined ? path : realpathSync(path)));
  const beside = isPlain ? join(dirname(target), `.${basename(target)}.${process.pid}.tmp`) : undefined;
  const fd = guarded(() => (beside === undefined ? openSync(target, 'w') : openSync(beside, 'wx', OWNER_ONLY)));
  let isOpen = true;
  const remove = (): void => {
    if (beside !== undefined) rmSync(beside, { force: true });
  };
  const end = (): void => {
    signal.removeEventListener('abort', remove);
    isOpen = false;
    closeSync(fd);
  };
  signal.addEventListener('abort', remove, { once: true });
  const put = async (bytes: Uint8Array): Promise<void> => {
    for (let done = 0; done < bytes.length;) done += (await writeTo(fd, bytes, done, bytes.length - done, null)).bytesWritten;
  };
  return {
    write: (bytes) =>
      put(bytes).catch((error: unknown) => {
        throw cannotWrite(path, error);
      }),
    commit: () =>
      guarded(() => {
        if (beside !== undefined) {
          fsyncSync(fd);
          renameSync(beside, target);
        }
        end();
      }),
    discard: () => {
      if (!isOpen) return;
      remove();
      end();
    },
  };
}
