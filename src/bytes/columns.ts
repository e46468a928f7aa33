/** Columns that grow: typed arrays for what is many. */

/** A growable column of 32-bit integers. `items` may be longer than `length`. */
export class Int32Column {
  items: Int32Array;
  length = 0;

  constructor(capacity = 1024) {
    this.items = new Int32Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.items.length) {
      const grown = new Int32Array(this.items.length * 2);
      grown.set(this.items);
      this.items = grown;
    }
    this.items[this.length++] = value;
  }

  /** The values as an array of exactly their length. */
  finish(): Int32Array {
    return this.items.slice(0, this.length);
  }
}

/** Counts by a 32-bit key, with the smallest companion value seen for each key: an open-addressing hash table for hot loops. Keys are not negative. */
export class KeyCounter {
  /** Three elements an entry: key + 1, count, companion. */
  #table: Int32Array;
  #mask: number;
  #used = 0;

  constructor(capacity = 1024) {
    this.#mask = capacity - 1;
    this.#table = new Int32Array(capacity * 3);
  }

  add(key: number, companion: number, by = 1): void {
    let table = this.#table;
    let at = Math.imul(key, 0x9e3779b1) >>> 8;
    for (;;) {
      at &= this.#mask;
      const stored = table[at * 3]!;
      if (stored === key + 1) {
        table[at * 3 + 1]! += by;
        if (companion < table[at * 3 + 2]!) table[at * 3 + 2] = companion;
        return;
      }
      if (stored === 0) break;
      at++;
    }
    if ((this.#used + 1) * 2 > this.#mask) {
      this.#grow();
      table = this.#table;
      at = Math.imul(key, 0x9e3779b1) >>> 8;
      while (table[(at & this.#mask) * 3] !== 0) at++;
      at &= this.#mask;
    }
    table[at * 3] = key + 1;
    table[at * 3 + 1] = by;
    table[at * 3 + 2] = companion;
    this.#used++;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Int32Array(old.length * 2);
    this.#mask = this.#table.length / 3 - 1;
    for (let entry = 0; entry < old.length; entry += 3) {
      if (old[entry] === 0) continue;
      let at = Math.imul(old[entry]! - 1, 0x9e3779b1) >>> 8;
      while (this.#table[(at & this.#mask) * 3] !== 0) at++;
      this.#table.set(old.subarray(entry, entry + 3), (at & this.#mask) * 3);
    }
  }

  /** All keys with their counts and companions, in no order. */
  *entries(): IterableIterator<{ key: number; count: number; companion: number }> {
    for (let entry = 0; entry < this.#table.length; entry += 3) {
      if (this.#table[entry] !== 0) yield { key: this.#table[entry]! - 1, count: this.#table[entry + 1]!, companion: this.#table[entry + 2]! };
    }
  }
}
