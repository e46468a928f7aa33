// No leak: an idle server with a large module graph: every built-in module and hundreds of files, each with its classes, functions and constants.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { builtinModules } = require('node:module');
const { scale } = require('./lib/stop.cjs');
const { run } = require('./lib/workload.cjs');

const modules = scale(700);
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'coreleak-zoo-'));
const sourceOf = (at) => `'use strict';
${[2 * at + 1, 2 * at + 2].filter((child) => child < modules).map((child) => `const part${child} = require('./module${child}.js');\nexports.part${child} = part${child};`).join('\n')}
class Service${at} { constructor(name) { this.name = name; this.options = { retries: ${at}, timeout: 1000 }; } ${Array.from({ length: 8 }, (_, i) => `method${i}(value) { return [this.name, value, ${at * i}].join('-'); }`).join(' ')} }
class Failure${at} extends Error { get code() { return 'E${at}'; } }
${Array.from({ length: 16 }, (_, i) => `function helper${i}(left, right) { const sum = left + right * ${at + i}; return { sum, text: 'result of helper ${at}.${i} ' + sum }; }\nexports.helper${i} = helper${i};`).join('\n')}
const CONSTANTS = Object.freeze({ ${Array.from({ length: 20 }, (_, i) => `VALUE_${at}_${i}: 'constant ${i} of module ${at}'`).join(', ')} });
exports.service = new Service${at}('service ${at}');
exports.Failure = Failure${at};
exports.CONSTANTS = CONSTANTS;
exports.sample = exports.service.method1(helper0(1, 2).text) + helper3(4, 5).sum;
`;
for (let at = 0; at < modules; at++) fs.writeFileSync(path.join(directory, `module${at}.js`), sourceOf(at));
// Loading some of them warns that they are deprecated; loading others is refused without a flag.
const warn = process.emitWarning;
process.emitWarning = () => undefined;
let builtin = 0;
for (const name of builtinModules) {
  try {
    require(name);
    builtin++;
  } catch { /* it is not for everybody */ }
}
process.emitWarning = warn;
const application = require(path.join(directory, 'module0.js'));
fs.rmSync(directory, { recursive: true });

run({ requests: 500, onRequest: (exchange, id) => { application.helper1(id, id); }, facts: () => ({ counts: { Service0: 1, Service699: modules > 699 ? 1 : 0 }, modules, builtin }) });
