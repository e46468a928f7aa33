/** What goes wrong, as a line for a person, a hint, and an exit code. Errors state facts; the advice is added here. */
import { BinaryMismatchError, CoreleakError, FaultError, InterruptedError, LimitError, MalformedInputError } from '../errors.ts';

/** Exit codes, as scripts rely on them. */
export const EXIT = { ok: 0, suspects: 1, usage: 2, input: 3, tool: 4, interrupted: 130 } as const;

/** The command line itself is wrong. */
export class UsageError extends CoreleakError {
  override readonly name = 'UsageError';
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** An outside tool failed, or is missing where nothing else does. */
export class ToolError extends CoreleakError {
  override readonly name = 'ToolError';
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** What to print and how to exit. */
export interface Failure {
  readonly code: number;
  readonly message: string;
  readonly hint: string | undefined;
}

const SYSTEM: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'is a directory',
  ENOSPC: 'no space left on the disk',
  EMFILE: 'too many open files',
  EIO: 'the disk reports a read error',
};

function hintFor(error: CoreleakError): string | undefined {
  if (error.hint !== undefined) return error.hint;
  if (error instanceof BinaryMismatchError) return 'give the node that wrote the core with --binary, or analyse with this one anyway with --force';
  if (error instanceof FaultError)
    return error.why === 'file-missing' ? 'give the files of the machine that wrote the core with --sysroot, or its node with --binary' : undefined;
  if (error instanceof MalformedInputError || error instanceof LimitError)
    return 'the file may be cut off or damaged: compare its size with that on the machine that wrote it';
  return undefined;
}

/** Turns whatever was thrown into what the person sees. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof InterruptedError) return { code: EXIT.interrupted, message: 'interrupted', hint: undefined };
  if (error instanceof UsageError) return { code: EXIT.usage, message: error.message, hint: error.hint };
  if (error instanceof ToolError) return { code: EXIT.tool, message: error.message, hint: error.hint };
  if (error instanceof CoreleakError) return { code: EXIT.input, message: error.message, hint: hintFor(error) };
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code in SYSTEM) {
    const path = 'path' in error && typeof error.path === 'string' ? `${error.path}: ` : '';
    return { code: EXIT.input, message: `${path}${SYSTEM[error.code] ?? error.code}`, hint: undefined };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: EXIT.input, message: `unexpected: ${message}`, hint: 'this is a fault of coreleak: --verbose shows where' };
}
