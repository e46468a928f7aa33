/** The oracles themselves: what the programs print must be what V8's own snapshot shows. Nothing of coreleak runs here. */
import { expect, it } from 'vitest';
import { describeCores } from '../support/real-cores.ts';
import { Snapshot } from '../support/snapshot-census.ts';

/** V8 9.4 asks for a Symbol.toStringTag on the whole prototype chain first, so subclasses of Map, Set and Promise have the name of the built-in. */
const isMisnamed = (node: string, name: string): boolean => node.startsWith('v16.') && ['Registry', 'Unique', 'Job'].includes(name);

for (const program of ['classes', 'dictionary-cache', 'leaky-server', 'healthy']) {
  await describeCores(program, (made) => {
    it('prints the counts that the snapshot shows', () => {
      const groups = new Snapshot(made().snapshot!).groups();
      const counts = made().facts['counts'] as Record<string, number>;
      const language = new Set(['Date']);
      for (const [name, count] of Object.entries(counts)) {
        if (isMisnamed(made().facts.node, name)) continue;
        const inSnapshot = groups.get(name)?.count ?? 0;
        // V8 puts the prototype of a class into the group of its instances in some versions; Node itself uses the language's own classes.
        expect(inSnapshot, name).toBeGreaterThanOrEqual(count);
        expect(inSnapshot, name).toBeLessThanOrEqual(count + (language.has(name) ? 10 : 1));
      }
    });
  });
}

await describeCores('external', (made) => {
  it('has at least the Buffers and ArrayBuffers that it prints', () => {
    const groups = new Snapshot(made().snapshot!).groups();
    const counts = made().facts['atLeast'] as Record<string, number>;
    for (const [name, count] of Object.entries(counts)) {
      expect(groups.get(name)?.count ?? 0, name).toBeGreaterThanOrEqual(count);
      expect(groups.get(name)?.count ?? 0, name).toBeLessThan(count + 100);
    }
  });
});

await describeCores('value-kinds', (made) => {
  it('gives every object of the zoo the class name that the snapshot gives it', () => {
    const values = made().facts['values'] as Record<string, { kind: string; text: string }>;
    const snapshot = new Snapshot(made().snapshot!);
    const zoo = snapshot.findProperty('zoo', 'objectInObject');
    expect(zoo, 'globalThis.zoo').toBeDefined();
    const members = snapshot.properties(zoo!);
    const named = Object.entries(values).filter(([, { kind, text }]) => kind !== 'symbol' && /^[A-Z]\w*[({]/.test(text));
    expect(named.length).toBeGreaterThan(60);
    for (const [name, { kind, text }] of named) {
      const node = members.get(name);
      expect(node, name).toBeDefined();
      // The snapshot calls a proxy by an internal name, and a boxed primitive by its class.
      if (kind !== 'proxy') expect(snapshot.node(node!).name, name).toBe(/^\w+/.exec(text)?.[0]);
    }
  });
});
