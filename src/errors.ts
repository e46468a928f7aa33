/** Errors that every layer may throw, and the plain records in which damage is reported. Messages state facts only; advice is added in cli. */

/** Base of all errors that coreleak throws on purpose: a host prints the message, without a stack trace. */
export class CoreleakError extends Error {
  override readonly name: string = 'CoreleakError';
  /** One line of advice for the reader, printed below the message. */
  hint: string | undefined;
}

/** Prints an address the way all of coreleak does: `0x` and lower-case hexadecimal digits. */
function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** Why a byte of the dead process cannot be read: no mapping there, mapped but not in the core, or the file that backs it is not at hand. */
export type FaultReason = 'unmapped' | 'not-saved' | 'file-missing';

/** A read of the dead process' memory met a byte that is not there. `address` is the first such byte. */
export class FaultError extends CoreleakError {
  override readonly name = 'FaultError';
  readonly address: number;
  readonly length: number;
  readonly why: FaultReason;
  constructor(address: number, length: number, why: FaultReason) {
    super(`cannot read ${length} bytes at ${hex(address)}: ${why}`);
    this.address = address;
    this.length = length;
    this.why = why;
  }
}

/** The input does not follow its own format. `offset` is a byte offset within `source`. */
export class MalformedInputError extends CoreleakError {
  override readonly name = 'MalformedInputError';
  readonly source: string;
  readonly offset: number;
  readonly field: string;
  constructor(source: string, offset: number, field: string, detail: string) {
    super(`${source}: ${field} at offset ${offset}: ${detail}`);
    this.source = source;
    this.offset = offset;
    this.field = field;
  }
}

/** The input is well formed but is not something that can be analysed here. */
export class UnsupportedError extends CoreleakError {
  override readonly name = 'UnsupportedError';
}

/** A table or a length in the input is larger than the cap that protects the reader. */
export class LimitError extends CoreleakError {
  override readonly name = 'LimitError';
  readonly limit: string;
  readonly wanted: number;
  readonly cap: number;
  constructor(limit: string, wanted: number, cap: number) {
    super(`${limit}: ${wanted} is over the limit of ${cap}`);
    this.limit = limit;
    this.wanted = wanted;
    this.cap = cap;
  }
}

/** The core and the binary do not belong together. */
export class BinaryMismatchError extends CoreleakError {
  override readonly name = 'BinaryMismatchError';
  readonly coreBuildId: string | undefined;
  readonly binaryBuildId: string | undefined;
  constructor(message: string, coreBuildId: string | undefined, binaryBuildId: string | undefined) {
    super(message);
    this.coreBuildId = coreBuildId;
    this.binaryBuildId = binaryBuildId;
  }
}

/** The work was interrupted by the person or the program that asked for it. */
export class InterruptedError extends CoreleakError {
  override readonly name = 'InterruptedError';
  constructor() {
    super('interrupted');
  }
}

/** One kind of damage met while reading a heap, with its true total. */
export interface HeapProblem {
  readonly kind: string;
  readonly count: number;
  /** Bytes that could not be read as objects because of it. */
  readonly bytes: number;
  readonly firstAddress: number | undefined;
}

/** How much of a heap was read. `complete` claims that nothing of it was skipped or missing. */
export interface WalkReport {
  readonly complete: boolean;
  /** V8 pages found. */
  readonly heapPages: number;
  /** Bytes of those pages that were read as objects. */
  readonly walkedBytes: number;
  /** Bytes that are present but did not parse as objects. */
  readonly skippedBytes: number;
  /** Bytes that the heap says it has and the core does not hold. */
  readonly missingBytes: number;
  readonly problems: readonly HeapProblem[];
}
