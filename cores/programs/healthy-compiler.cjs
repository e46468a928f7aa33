// No leak: a compiler at work. All syntax trees, symbols and types of one program are held while it is checked, as they have to be.
'use strict';
const path = require('node:path');
const ts = require('typescript');
const { scale, stop } = require('./lib/stop.cjs');

const files = scale(60);
const sourceOf = (at) => `
import { Account${(at + 1) % files}, total as totalOfNext } from './file${(at + 1) % files}';
export interface Account${at} { id: number; owner: string; tags: readonly string[]; next?: Account${(at + 1) % files} }
export class Ledger${at}<T extends Account${at}> {
  readonly #entries = new Map<number, T>();
  add(entry: T): this { this.#entries.set(entry.id, entry); return this; }
  *ofOwner(owner: string): Generator<T> { for (const entry of this.#entries.values()) if (entry.owner === owner) yield entry; }
  get size(): number { return this.#entries.size; }
}
export function total(accounts: readonly Account${at}[]): number {
  const ledger = new Ledger${at}<Account${at}>();
  for (const account of accounts) ledger.add({ ...account, tags: account.tags.map((tag) => tag.toUpperCase()) });
  return [...ledger.ofOwner('me')].reduce((sum, { id }) => sum + id, accounts.length > 1000 ? totalOfNext([]) : 0);
}
`;
const texts = new Map(Array.from({ length: files }, (_, at) => [`/virtual/file${at}.ts`, sourceOf(at)]));
const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022, moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ['lib.es2022.d.ts'], types: [], strict: true, noEmit: true };
const libraries = path.dirname(require.resolve('typescript'));
const host = {
  ...ts.createCompilerHost(options),
  getCurrentDirectory: () => '/virtual',
  getDefaultLibLocation: () => libraries,
  directoryExists: () => true,
  fileExists: (file) => texts.has(file) || (file.startsWith(libraries) && ts.sys.fileExists(file)),
  readFile: (file) => texts.get(file) ?? ts.sys.readFile(file),
  getSourceFile: (file, languageVersion) => {
    const text = host.readFile(file);
    return text === undefined ? undefined : ts.createSourceFile(file, text, languageVersion, true);
  },
};
const build = { program: ts.createProgram([...texts.keys()], options, host), done: 0 };
const errors = [];
function checkNext() {
  const sources = build.program.getSourceFiles();
  const source = sources[build.done++];
  errors.push(...build.program.getSemanticDiagnostics(source).map(({ messageText }) => String(messageText)));
  if (build.done < sources.length) setImmediate(checkNext);
  else stop({ scale: files, sources: sources.length, errors, counts: { SourceFileObject: sources.length } });
}
checkNext();
