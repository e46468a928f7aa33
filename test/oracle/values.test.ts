/** Every kind of value is read from a core as the program says it is. */
import { expect, it } from 'vitest';
import { readZoo } from '../support/read-values.ts';
import type { ReadValue } from '../support/read-values.ts';
import { describeCores, prepare } from '../support/real-cores.ts';

interface ExpectedValue extends ReadValue {
  readonly match: 'whole' | 'start';
}

/** Names of values by what they are called first: `arrayHoley` and `arraySmi` are of the family `array`. */
const familyOf = (name: string): string => /^[a-z]+/.exec(name)![0];

const families = ['string', 'number', 'symbol', 'bigint', 'object', 'array', 'map', 'set', 'weak', 'date', 'regexp', 'error', 'promise', 'typed', 'buffer', 'function', 'closure', 'generator', 'proxy', 'boxed'];

await describeCores('value-kinds', (made) => {
  const readAll = prepare(() => readZoo(made().core, made().binary));

  /** Compares the values whose names `wanted` picks. */
  function compare(wanted: (name: string) => boolean): void {
    const expected = Object.entries(made().facts['values'] as Record<string, ExpectedValue>).filter(([name]) => wanted(name));
    const zoo = readAll();
    expect(expected.length).toBeGreaterThan(0);
    for (const [name, { kind, text, match }] of expected) {
      const read = zoo[name];
      const told = match === 'start' ? read?.text.slice(0, text.length) : read?.text;
      expect.soft({ kind: read?.kind, text: told }, name).toEqual({ kind, text });
    }
  }

  for (const family of families) {
    it(`reads ${family}`, () => {
      compare((name) => familyOf(name) === family);
    });
  }

  it('reads what has no family', () => {
    compare((name) => !families.includes(familyOf(name)));
  });
});
