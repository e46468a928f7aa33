/** The OS threads of the dead process. */
import { asAddress, type Address, type AddressRange } from '../bytes/address.ts';
import type { ThreadStatus } from '../elf/notes.ts';
import type { AddressSpace } from './address-space.ts';

/** Word numbers in user_regs_struct (asm/user_64.h). */
const RBP = 4;
const RIP = 16;
const RSP = 19;
const FS_BASE = 21;

/** One OS thread at the moment of the core. */
export interface Thread {
  readonly tid: number;
  /** The signal on its way to the thread; 0 for none. */
  readonly signal: number;
  /** All general registers: 27 words of 64 bits as (low, high) pairs, in the order of user_regs_struct. */
  readonly registers: Uint32Array;
  /** Registers as addresses; `undefined` when the word is none. */
  readonly rip: Address | undefined;
  readonly rsp: Address | undefined;
  readonly rbp: Address | undefined;
  readonly fsBase: Address | undefined;
  /** The used part of the native stack: from rsp to the end of the mapping that holds it; `undefined` when rsp points nowhere. */
  readonly stack: AddressRange | undefined;
}

/** Makes a thread of its NT_PRSTATUS. */
export function makeThread(status: ThreadStatus, memory: AddressSpace): Thread {
  const { tid, signal, registers } = status;
  const word = (number: number): Address | undefined => asAddress(registers[2 * number] ?? 0, registers[2 * number + 1] ?? 0);
  const rsp = word(RSP);
  const mapping = rsp === undefined ? undefined : memory.findMapping(rsp);
  const stack = rsp === undefined || mapping === undefined ? undefined : { start: rsp, end: mapping.end };
  return { tid, signal, registers, rip: word(RIP), rsp, rbp: word(RBP), fsBase: word(FS_BASE), stack };
}
