/** How a long computation reports and how it is stopped. */
import { InterruptedError } from '../errors.ts';

/** What a caller may hand to a long computation. Both are called every few milliseconds, on the computing thread. */
export interface Control {
  /** Told the share of the work that is done, from 0 to 1, never falling. */
  readonly onProgress?: ((share: number) => void) | undefined;
  /** Asked whether to stop; a worker thread looks at a shared flag here, since no event reaches a thread that computes. */
  readonly isCancelled?: (() => boolean) | undefined;
}

/** Steps of a loop between two calls of its ticker, less one: to be used as a mask. */
export const TICK_MASK = 0xffff;

/**
 * Makes the function that a loop calls with the share of the work it has done.
 * @throws {InterruptedError} from the returned function, once `isCancelled` says so
 */
export function makeTicker(control: Control | undefined): (share: number) => void {
  const onProgress = control?.onProgress;
  const isCancelled = control?.isCancelled;
  return (share) => {
    if (isCancelled?.() === true) throw new InterruptedError();
    onProgress?.(share);
  };
}

/** A control for one of several steps, which is given its part of the whole. */
export function partOf(control: Control | undefined, from: number, to: number): Control {
  return { isCancelled: control?.isCancelled, onProgress: (share) => control?.onProgress?.(from + share * (to - from)) };
}
