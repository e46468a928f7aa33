import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;
/** One project per kind of test; oracle makes real cores and so runs its files one after another. */
const project = (name: string, timeoutMs: number, serial = false) => ({
  root,
  test: { name, root, include: [`test/${name}/**/*.test.ts`], testTimeout: timeoutMs, hookTimeout: timeoutMs, ...(serial ? { fileParallelism: false } : {}) },
});

export default defineConfig({
  root,
  test: { projects: [project('unit', 10_000), project('arch', 60_000), project('fuzz', 60_000), project('oracle', 300_000, true)] },
});
