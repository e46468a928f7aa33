// The import rules between the folders of src, as src/README.md states them. `may` lists what a folder may import besides itself.
const may = {
  bytes: ['errors'],
  elf: ['bytes', 'errors'],
  target: ['elf', 'bytes', 'errors'],
  graph: ['bytes', 'errors'],
  v8: ['target', 'graph', 'bytes', 'errors'],
  snapshot: ['graph', 'bytes', 'errors'],
  analysis: ['graph', 'bytes', 'errors'],
  session: ['analysis', 'v8', 'snapshot', 'graph', 'target', 'elf', 'bytes', 'result', 'errors'],
  commands: ['session', 'analysis', 'graph', 'snapshot', 'v8', 'target', 'bytes', 'result', 'errors'],
  render: ['result', 'bytes', 'errors'],
};
const folders = (names) => names.map((n) => (n === 'errors' || n === 'result' ? `^src/${n}\\.ts$` : `^src/${n}/`));
const rules = Object.entries(may).map(([folder, allowed]) => ({
  name: `${folder}-imports`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: [`^src/${folder}/`, ...folders(allowed)] },
}));
const onlyIn = (name, packages, places) => ({
  name: `${name}-only`,
  severity: 'error',
  from: { path: '^src/', pathNot: places.map((p) => `^src/${p}/`) },
  to: { path: `node_modules/(${packages})(/|$)` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'errors-import-nothing', severity: 'error', from: { path: '^src/errors\\.ts$' }, to: { path: '^src/' } },
    { name: 'result-imports-bytes', severity: 'error', from: { path: '^src/result\\.ts$' }, to: { path: '^src/', pathNot: ['^src/bytes/', '^src/errors\\.ts$'] } },
    { name: 'cli-is-the-top', severity: 'error', from: { path: '^src/', pathNot: '^src/cli/' }, to: { path: '^src/cli/' } },
    ...rules,
    onlyIn('execa', 'execa', ['drivers', 'capture', 'commands', 'tickets', 'cli']),
    onlyIn('tmp', 'tmp', ['drivers', 'session', 'capture', 'tickets', 'cli']),
    onlyIn('yargs', 'yargs', ['cli']),
    onlyIn('blessed', 'blessed', ['tui']),
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, doNotFollow: { path: 'node_modules' }, enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] } },
};
