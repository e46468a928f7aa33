/** A short name for a leak that stays the same between runs, hosts and cores of one program. */
import { createHash } from 'node:crypto';

/** What of a suspect does not change between two runs: never an address, never a count. */
export interface FingerprintParts {
  readonly kind: string;
  readonly constructorName: string | undefined;
  readonly properties: readonly string[];
  readonly script: string | undefined;
  readonly functionName: string | undefined;
}

/** The last two parts of a script's path: release folders change with every deployment, `lib/audit.js` does not. */
function stableScript(script: string): string {
  return script
    .replace(/^file:\/\//, '')
    .split(/[\\/]/)
    .slice(-2)
    .join('/');
}

/** Hashes the parts to 16 hexadecimal digits. */
export function fingerprintOf(parts: FingerprintParts): string {
  const text = JSON.stringify([
    'coreleak.fingerprint/1',
    parts.kind,
    parts.constructorName ?? null,
    parts.properties,
    parts.script === undefined ? null : stableScript(parts.script),
    parts.functionName ?? null,
  ]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
