/**
 * Objects that a collection was moving when the process died. The collector copies an object, puts the (untagged) address of the copy in the place of
 * the old one's map word, and changes the references to it only when all are copied (objects/map-word.h, heap/mark-compact.cc, heap/scavenger.cc).
 */
import { type HeapMemoryParts, SLOT_WORDS, slotOfPage } from './heap-memory.ts';

/** The ref that an object's first word (lo, hi) forwards to, or -1 when it is no forwarding word; what lies there is not looked at. */
export function forwardingTarget(parts: HeapMemoryParts, lo: number, hi: number): number {
  if ((lo & 7) !== 0 || lo === 0 || hi >>> 15 !== 0) return -1;
  const slot = slotOfPage(parts, (hi << 14) | (lo >>> 18));
  return slot < 0 ? -1 : slot * SLOT_WORDS + ((lo & 0x3ffff) >>> 3);
}

/** Refs of the maps that large arrays can have. */
export interface ArrayMaps {
  readonly tagged: number;
  readonly doubles: number;
}

/** Elements that are looked at to tell tagged words from doubles. */
const SAMPLED_ELEMENTS = 256;

function isTagged(parts: HeapMemoryParts, lo: number, hi: number): boolean {
  if ((lo & 1) === 0) return lo === 0;
  return hi >>> 15 === 0 && slotOfPage(parts, (hi << 14) | (lo >>> 18)) >= 0;
}

/** Writes a pointer to `ref` with its tag at `words[w]`. */
export function writePointer(parts: HeapMemoryParts, w: number, ref: number, tag: number): void {
  // Pages start at multiples of their size: the sum of the low halves does not carry.
  const base = parts.slotBase[Math.floor(ref / SLOT_WORDS)]!;
  parts.words[w] = (base % 2 ** 32) + (ref % SLOT_WORDS) * 8 + tag;
  parts.words[w + 1] = Math.floor(base / 2 ** 32);
}

/**
 * A large young object is not copied: it forwards to itself, and its map is kept elsewhere until the scavenge ends (heap/scavenger.cc: HandleLargeObject).
 * An array is known by its length, which fills the page's area to the word; its map is put back. Other objects stay without one.
 * Returns how many maps were put back.
 */
export function restoreLargeArrays(parts: HeapMemoryParts, maps: ArrayMaps): number {
  const { words } = parts;
  let restored = 0;
  for (const page of parts.pages) {
    const ref = page.firstSlot * SLOT_WORDS + (page.areaStart - page.base) / 8;
    if (!page.isLarge || forwardingTarget(parts, words[ref * 2]!, words[ref * 2 + 1]!) !== ref) continue;
    const length = words[ref * 2 + 3]!;
    if (words[ref * 2 + 2] !== 0 || 16 + length * 8 !== page.areaEnd - page.areaStart) continue;
    let tagged = true;
    for (let i = 0; i < Math.min(length, SAMPLED_ELEMENTS) && tagged; i++) tagged = isTagged(parts, words[(ref + 2 + i) * 2]!, words[(ref + 2 + i) * 2 + 1]!);
    const map = tagged ? maps.tagged : maps.doubles;
    if (map < 0) continue;
    writePointer(parts, ref * 2, map, 1);
    restored++;
  }
  return restored;
}

/** The ref where the object at `ref` has gone, when there is no object at `ref` but a forwarding word that leads to one; else -1. All pages are walked. */
function copyOf(parts: HeapMemoryParts, ref: number): number {
  const { words, bits } = parts;
  if ((bits[(ref >>> 5) * 2]! & (1 << (ref & 31))) !== 0) return -1;
  const copy = forwardingTarget(parts, words[ref * 2]!, words[ref * 2 + 1]!);
  return copy >= 0 && (bits[(copy >>> 5) * 2]! & (1 << (copy & 31))) !== 0 ? copy : -1;
}

/** Replaces refs of moved objects by those of their copies. */
export function followMoved(parts: HeapMemoryParts, refs: Int32Array): void {
  for (let i = 0; i < refs.length; i++) {
    const ref = refs[i]!;
    const copy = ref * 2 < parts.words.length ? copyOf(parts, ref) : -1;
    if (copy >= 0) refs[i] = copy;
  }
}

/**
 * Ends what the collector had begun: words of the loaded pages that name a moved object, strong or weak, name its copy from now on.
 * Returns how many were changed. All pages must be loaded and walked.
 */
export function updateReferences(parts: HeapMemoryParts): number {
  const { words } = parts;
  let changed = 0;
  let lastPage = -1;
  let lastSlot = -1;
  for (const page of parts.pages) {
    const from = (page.firstSlot * SLOT_WORDS + (page.areaStart - page.base) / 8) * 2;
    const to = from + (page.areaEnd - page.areaStart) / 4;
    for (let w = from; w < to; w += 2) {
      const lo = words[w]!;
      // Strong references end in 01, weak ones in 11 (common/globals.h: kHeapObjectTag, kWeakHeapObjectTag).
      if ((lo & 5) !== 1) continue;
      const hi = words[w + 1]!;
      if (hi >>> 15 !== 0) continue;
      const number = (hi << 14) | (lo >>> 18);
      if (number !== lastPage) {
        lastPage = number;
        lastSlot = slotOfPage(parts, number);
      }
      if (lastSlot < 0) continue;
      const copy = copyOf(parts, lastSlot * SLOT_WORDS + ((lo & 0x3ffff) >>> 3));
      if (copy < 0) continue;
      writePointer(parts, w, copy, lo & 7);
      changed++;
    }
  }
  return changed;
}
