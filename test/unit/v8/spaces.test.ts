import { describe, expect, it } from 'vitest';
import type { MemoryReader } from '../../../src/target/memory-reader.ts';
import type { V8Layout } from '../../../src/v8/layout.ts';
import type { FoundPage } from '../../../src/v8/pages.ts';
import { pageUse, spaceName } from '../../../src/v8/spaces.ts';

const layout = { column: 3, at: { spaceId: 16 } } as unknown as V8Layout;
const OWNER = 0x5000;
/** A Space object at OWNER with this number; nothing else can be read. */
const spaces = (id: number): MemoryReader => ({ isReadable: (at: number) => at === OWNER + 16, readU32: () => id }) as unknown as MemoryReader;
const page = (over: Partial<FoundPage>): FoundPage => ({ base: 0x40000, size: 0x40000, areaStart: 0x41000, areaEnd: 0x80000, heap: 0x6000, owner: OWNER, flags: 4, ...over });

const FROM = 8;
const TO = 16;
const [NEW, OLD, NEW_LARGE] = [1, 2, 6];

describe('spaceName', () => {
  it('is the name of the number that the page\'s space has', () => {
    expect(spaceName(page({}), layout, spaces(OLD))).toBe('old');
    expect(spaceName(page({}), layout, spaces(99))).toBe('unknown');
    expect(spaceName(page({ owner: 0x7000 }), layout, spaces(OLD))).toBe('unknown');
    expect(spaceName(page({ heap: 0 }), layout, spaces(OLD))).toBe('read-only');
  });

  it('takes young pages for those of new space, whatever becomes of them', () => {
    for (const flags of [FROM, TO]) expect(spaceName(page({ flags }), layout, spaces(OLD))).toBe('new');
    expect(spaceName(page({ flags: TO }), layout, spaces(NEW))).toBe('new');
  });

  it('tells young large pages by their space, and by their size where a scavenge has taken them out of it', () => {
    expect(spaceName(page({ flags: FROM }), layout, spaces(NEW_LARGE))).toBe('new large');
    for (const size of [0x2e000, 0x90000]) expect(spaceName(page({ flags: FROM, size, owner: 0 }), layout, spaces(NEW))).toBe('new large');
    expect(pageUse(page({ flags: FROM, size: 0x2e000, owner: 0 }), layout, spaces(NEW))).toEqual({ isLarge: true, isNew: false, isCode: false });
    expect(pageUse(page({ flags: FROM }), layout, spaces(NEW))).toEqual({ isLarge: false, isNew: true, isCode: false });
  });
});
