/** What kind of machine code a frame runs, by the object of code space that its program counter lies in. */
import type { Address } from '../bytes/address.ts';
import { type HeapView, instanceTypeAt, readTarget } from './heap.ts';
import { SLOT_BYTES } from './heap-memory.ts';
import { typeNumber } from './layout.ts';
import { WORD_SIZE } from './tagged.ts';

type CodeTier = 'baseline' | 'maglev' | 'turbofan' | 'other';

/** CodeKind is in the low bits of the flags (objects/code.h: KindField); Maglev and TurboFan follow baseline code (objects/code-kind.h). */
const KIND_MASK = 15;
const CODE_OF_STREAM = 8;

/** Bytes looked at in a go: a part of a page may be missing from the core, or be a guard. */
const PIECE = 4096;

/** Pages that were found to hold no code of the heap, for one view: builtins are outside of it. */
const OTHER_PAGES = new WeakMap<HeapView, Set<Address>>();

/** The start of the code object around `pc`: the nearest word before it that is the map of one. Objects of code space do not cross pages, but for very large ones. */
function findCodeObject(view: HeapView, pc: Address): Address | undefined {
  const page = pc - (pc % SLOT_BYTES);
  let others = OTHER_PAGES.get(view);
  if (others === undefined) OTHER_PAGES.set(view, (others = new Set()));
  if (others.has(page)) return undefined;
  const { layout, memory } = view;
  // Before 11.x an object of code was one with its instructions.
  const stream = typeNumber(layout, 'INSTRUCTION_STREAM');
  const wanted = stream >= 0 ? stream : typeNumber(layout, 'CODE');
  let end = pc - (pc % WORD_SIZE) + WORD_SIZE;
  while (end > page) {
    const start = end - (end % PIECE === 0 ? PIECE : end % PIECE);
    if (!memory.isReadable(start, end - start)) break;
    const bytes = memory.readBytes(start, end - start);
    for (let i = bytes.length - WORD_SIZE; i >= 0; i -= WORD_SIZE) {
      if ((bytes[i]! & 7) === 1 && instanceTypeAt(view, start + i) === wanted) return start + i;
    }
    end = start;
  }
  others.add(page);
  return undefined;
}

/** The kind of code of the heap that `pc` lies in; undefined when it is in none, as for the builtins, the interpreter's among them. */
export function codeTierAt(view: HeapView, pc: Address): CodeTier | undefined {
  const object = findCodeObject(view, pc);
  if (object === undefined) return undefined;
  const { layout, memory } = view;
  const code = typeNumber(layout, 'INSTRUCTION_STREAM') >= 0 ? readTarget(view, object + CODE_OF_STREAM) : object;
  if (code === undefined) return 'other';
  switch ((memory.readU32(code + layout.at.codeFlags) & KIND_MASK) - layout.at.codeKindBaseline) {
    case 0:
      return 'baseline';
    case 1:
      return 'maglev';
    case 2:
      return 'turbofan';
    default:
      return 'other';
  }
}
