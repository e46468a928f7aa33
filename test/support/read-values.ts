/** The values of `globalThis.zoo` in the core of the program value-kinds, in the notation of cores/README.md: the one place that knows how a value is read. */

/** One value as a reader of the core sees it. */
export interface ReadValue {
  readonly kind: string;
  readonly text: string;
}

/**
 * Reads every property of `globalThis.zoo`; a function's context comes under its name with `#context` behind it.
 *
 * @param corePath core of the program value-kinds
 * @param binary the Node binary that it was made with
 */
export function readZoo(corePath: string, binary: string): Promise<Record<string, ReadValue>> {
  return Promise.reject(new Error(`nothing reads the values of ${corePath} (${binary}) yet`));
}
