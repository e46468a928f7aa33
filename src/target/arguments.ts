/** The arguments and the environment a process was started with, as they still lie at the top of its main stack. */
import type { Address } from '../bytes/address.ts';
import type { AddressSpace } from './address-space.ts';
import { findCString } from './c-string.ts';

/** execve(2) lets arguments and environment take 6 MiB at most, and one string 128 KiB. */
const SEARCH_STEPS: readonly number[] = [256 * 1024, 16 * 2 ** 20];
const MAX_STRING_BYTES = 128 * 1024;
const MAX_TOTAL_BYTES = 8 * 2 ** 20;
/** Every pointer into a stack is larger than this, every argument count smaller. */
const MAX_WORDS = 2 ** 20;
const PATTERN_BYTES = 64;

/** What execve(2) was given. */
export interface StartArguments {
  readonly argv: readonly string[];
  /** `NAME=value` each. */
  readonly environment: readonly string[];
}

/**
 * Finds the start arguments of the process.
 *
 * At the top of the main stack lie argc, the argv pointers, NULL, the environment pointers, NULL, and the auxiliary vector, whose bytes NT_AUXV repeats:
 * they are searched for below `anchor`, and argc is the first word below them that is no pointer. unsetenv(3) leaves more than one NULL behind the environment.
 * A program that changes its title writes over the strings themselves; then they are what it wrote.
 * @param anchor an address above the vector in the same mapping: what AT_RANDOM or AT_EXECFN points to
 * @returns `undefined` when the stack is not in the core or does not look like this
 */
export function findStartArguments(memory: AddressSpace, auxvBytes: Uint8Array, anchor: Address): StartArguments | undefined {
  const vector = findVector(memory, auxvBytes, anchor);
  const start = vector === undefined ? undefined : findArgumentCount(memory, vector);
  if (start === undefined) return undefined;
  const budget = { bytes: MAX_TOTAL_BYTES };
  const argv = readStrings(memory, start + 8, budget);
  const environment = readStrings(memory, start + 8 * (memory.readU32(start) + 2), budget);
  return { argv, environment };
}

function findVector(memory: AddressSpace, auxvBytes: Uint8Array, anchor: Address): Address | undefined {
  const mapping = memory.findMapping(anchor);
  const pattern = auxvBytes.subarray(0, PATTERN_BYTES);
  if (mapping === undefined || pattern.length < 16) return undefined;
  const end = Math.min(anchor, mapping.savedEnd);
  for (const step of SEARCH_STEPS) {
    const start = Math.max(mapping.start, end - step);
    if (start >= end) return undefined;
    const bytes = Buffer.alloc(end - start);
    const present = bytes.subarray(0, memory.readInto(bytes, start));
    for (let at = present.lastIndexOf(pattern); at >= 0; at = at === 0 ? -1 : present.lastIndexOf(pattern, at - 1)) {
      if ((start + at) % 8 === 0) return start + at;
    }
    if (start === mapping.start) return undefined;
  }
  return undefined;
}

/** The address of argc: the first word below the vector that is neither zero nor a pointer, if that many words and a NULL follow it. */
function findArgumentCount(memory: AddressSpace, vector: Address): Address | undefined {
  for (let words = 1; words <= MAX_WORDS; words += 1) {
    const at = vector - 8 * words;
    if (!memory.isReadable(at, 8)) return undefined;
    const value = memory.readPointer(at);
    if (value === undefined) return undefined;
    if (value === 0 || value >= MAX_WORDS) continue;
    // argc, its pointers and two NULLs must fit below the vector.
    return value + 3 <= words && memory.readPointer(at + 8 * (value + 1)) === 0 ? at : undefined;
  }
  return undefined;
}

/** The strings of an array of pointers that a NULL ends; those that are not in the core are left out. */
function readStrings(memory: AddressSpace, array: Address, budget: { bytes: number }): string[] {
  const strings: string[] = [];
  for (let i = 0; i < MAX_WORDS && budget.bytes > 0; i += 1) {
    if (!memory.isReadable(array + 8 * i, 8)) break;
    const pointer = memory.readPointer(array + 8 * i);
    if (pointer === undefined || pointer === 0) break;
    const text = findCString(memory, pointer, Math.min(MAX_STRING_BYTES, budget.bytes));
    budget.bytes -= (text?.length ?? MAX_STRING_BYTES) + 1;
    if (text !== undefined) strings.push(text);
  }
  return strings;
}
