/** Files that a verb writes: whole or not at all. */
import { chmod, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UsageError } from './failure.ts';

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'no such folder',
    EACCES: 'permission denied',
    EISDIR: 'is a directory',
    ENOSPC: 'no space left',
    EROFS: 'read-only file system',
    ENOTDIR: 'not a folder',
  };
  return known[code] ?? (error instanceof Error ? error.message : String(error));
}

/** The error for a file that cannot be written, whatever was thrown. */
export function cannotWrite(path: string, error: unknown): UsageError {
  return new UsageError(`cannot write ${path}: ${reason(error)}`);
}

/**
 * Checks before the work that a file can be written to.
 * @throws {UsageError} when its folder is missing or it is one itself
 */
export async function checkOutput(path: string): Promise<void> {
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (folder === undefined || !folder.isDirectory()) throw new UsageError(`cannot write ${path}: no such folder`);
  const present = await stat(path).catch(() => undefined);
  if (present?.isDirectory()) throw new UsageError(`cannot write ${path}: is a directory`);
}

/**
 * Writes `text` to `path`: to a file beside it first, which then takes its place, so that a reader never sees half of it and an old one stays when the disk
 * is full. What is no plain file, such as /dev/stderr or a pipe, is written to as it is.
 */
export async function writeOutput(path: string, text: string): Promise<void> {
  try {
    const present = await stat(path).catch(() => undefined);
    if (present !== undefined && !present.isFile()) {
      const file = await open(path, 'w');
      try {
        await file.writeFile(text);
      } finally {
        await file.close();
      }
      return;
    }
    const target = present === undefined ? path : await realpath(path);
    const beside = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
    try {
      const file = await open(beside, 'wx');
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      if (present !== undefined) await chmod(beside, present.mode & 0o777);
      await rename(beside, target);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
  } catch (error) {
    throw cannotWrite(path, error);
  }
}
