// One value of every kind, each under a known name in globalThis.zoo, with what a reader of the core must say about it.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { definitionPlace, stop } = require('./lib/stop.cjs');
const { list, put, putContext, stringText, values } = require('./lib/expect.cjs');

const source = fs.readFileSync(__filename, 'utf8');
// V8 9.4 names subclasses of Map and Promise after the built-in, because that has a Symbol.toStringTag.
const named9 = (own, builtIn) => (process.versions.v8.startsWith('9.4') ? builtIn : own);
const range = (n, make) => Array.from({ length: n }, (_, i) => make(i));

// --- strings
put('stringEmpty', '', 'string', '""');
put('stringOneByte', 'plain text', 'string', '"plain text"');
put('stringLatin1', 'na\u00efve caf\u00e9', 'string', '"na\u00efve caf\u00e9"');
put('stringTwoByte', '\u65e5\u672c \u{1f40e} \u017elu\u0165', 'string', '"\u65e5\u672c \u{1f40e} \u017elu\u0165"');
put('stringSurrogate', 'half \ud83d pair', 'string', '"half \\ud83d pair"');
put('stringEscapes', 'line\nquote" nul\u0000 esc\u001b[31m', 'string', '"line\\nquote\\" nul\\u0000 esc\\u001b[31m"');
put('stringNumeric', '1234567', 'string', '"1234567"');
const deepParts = range(3000, (i) => `part ${i};`);
let deep = '';
for (const part of deepParts) deep += part;
put('stringConsDeep', deep, 'string', stringText(...deepParts));
let leaning = '';
for (const part of deepParts) leaning = part + leaning;
put('stringConsLeft', leaning, 'string', stringText(...deepParts.slice().reverse()));
let mixed = 'one-byte start of it, ';
mixed += '\u65e5\u672c\u8a9e two-byte end';
put('stringConsMixed', mixed, 'string', '"one-byte start of it, \u65e5\u672c\u8a9e two-byte end"');
const parent = range(50, (i) => `word${i}`).join(' ');
put('stringSliced', parent.slice(12, 60), 'string', JSON.stringify(range(50, (i) => `word${i}`).join(' ').slice(12, 60)));
const letters = Buffer.alloc(1200000, 'external text ');
put('stringExternalOneByte', letters.toString('latin1'), 'string', stringText('external text '.repeat(90000).slice(0, 1200000)));
const wideParts = range(100, () => '\u65e5\u672c\u8a9e text '.repeat(1500));
put('stringExternalTwoByte', Buffer.from(wideParts.join(''), 'utf16le').toString('ucs2'), 'string', stringText(...wideParts));
// A cons string used as a key becomes a thin string that points to the internalised one.
let thin = 'a key that is ';
thin += `thin ${process.pid > 0 ? 'in the old space' : ''}`;
put('stringThin', thin, 'string', '"a key that is thin in the old space"');
globalThis.keys = { [thin]: 1 };

// --- numbers
for (const [name, value, text] of [
  ['Zero', 0, '0'], ['Smi', 42, '42'], ['SmiNegative', -7, '-7'], ['SmiMax', 2147483647, '2147483647'], ['SmiMin', -2147483648, '-2147483648'],
  ['PastSmi', 2147483648, '2147483648'], ['Safe', 9007199254740991, '9007199254740991'], ['Double', 1234.5, '1234.5'], ['NegativeZero', -0, '-0'],
  ['NaN', NaN, 'NaN'], ['Infinity', Infinity, 'Infinity'], ['NegativeInfinity', -Infinity, '-Infinity'], ['Tiny', 5e-324, '5e-324'], ['Huge', 1.5e300, '1.5e+300'],
]) put(`number${name}`, value, 'number', text);
put('undefined', undefined, 'undefined', 'undefined');
put('null', null, 'null', 'null');
put('true', true, 'boolean', 'true');
put('false', false, 'boolean', 'false');
put('symbol', Symbol('a symbol'), 'symbol', 'Symbol(a symbol)');
put('symbolRegistered', Symbol.for('registered'), 'symbol', 'Symbol(registered)');
put('symbolPlain', Symbol(), 'symbol', 'Symbol()');
put('bigintZero', BigInt(0), 'bigint', '0n');
put('bigintSmall', BigInt(12345), 'bigint', '12345n');
put('bigintNegative', -BigInt('98765432109876543210'), 'bigint', '-98765432109876543210n');
put('bigintLong', BigInt('1234567890'.repeat(20)), 'bigint', `${'1234567890'.repeat(20)}n`);

// --- objects
class Point { constructor(x, y) { this.x = x; this.y = y; } }
class Point3 extends Point { constructor(x, y, z) { super(x, y); this.z = z; } }
class Safe { #combination = 'secret'; constructor() { this.open = true; } read() { return this.#combination; } }
put('objectEmpty', {}, 'object', 'Object{}');
put('objectInObject', { a: 1, b: 'two', c: null, d: undefined, e: true, f: -3 }, 'object', 'Object{a: 1, b: "two", c: null, d: undefined, e: true, f: -3}');
put('objectDoubles', { x: 0.5, y: -0, big: 4294967296 }, 'object', 'Object{x: 0.5, y: -0, big: 4294967296}');
put('objectNested', { inner: { deep: true }, items: [1], fn: range, when: new Date(0) }, 'object', 'Object{inner: [Object], items: [Array], fn: [Function], when: [Date]}');
const grown = {};
grown.p0 = 0; grown.p1 = 1.5; grown.p2 = 'two'; grown.p3 = 3; grown.p4 = 4; grown.p5 = 5; grown.p6 = 6; grown.p7 = 7; grown.p8 = 8; grown.p9 = 9.5;
put('objectOutOfObject', grown, 'object', 'Object{p0: 0, p1: 1.5, p2: "two", p3: 3, p4: 4, p5: 5, p6: 6, p7: 7, p8: 8, p9: 9.5}');
const slow = { first: 1, gone: 2, third: 'three' };
delete slow.gone;
slow.fourth = 4.5;
put('objectDictionary', slow, 'object', 'Object{first: 1, third: "three", fourth: 4.5}');
const many = {};
for (let i = 0; i < 1500; i++) many[`m${i}`] = i;
put('objectManyProperties', many, 'object', `Object{${list(range(1500, (i) => `m${i}: ${i}`))}}`);
put('objectWideFast', JSON.parse(`{${range(300, (i) => `"j${i}":${i}`).join()}}`), 'object', `Object{${list(range(300, (i) => `j${i}: ${i}`))}}`);
put('objectElements', { name: 'mixed', 1: 'one', 0: 'zero' }, 'object', 'Object{0: "zero", 1: "one", name: "mixed"}');
put('objectElementsSparse', { 1000000: 'far', 3: 'near' }, 'object', 'Object{3: "near", 1000000: "far"}');
put('objectSymbolKeys', { [Symbol('key')]: 1, plain: 2 }, 'object', 'Object{Symbol(key): 1, plain: 2}');
put('objectNullPrototype', Object.assign(Object.create(null), { a: 1 }), 'object', 'Object{a: 1}');
put('objectTagged', { [Symbol.toStringTag]: 'Tagged', a: 1 }, 'object', 'Tagged{Symbol(Symbol.toStringTag): "Tagged", a: 1}');
put('objectFrozen', Object.freeze({ fixed: 1, list: 'kept' }), 'object', 'Object{fixed: 1, list: "kept"}');
put('objectSealed', Object.seal({ sealed: 1 }), 'object', 'Object{sealed: 1}');
put('objectAccessors', { get both() { return 1; }, set both(v) { /* nothing */ }, get read() { return 2; }, plain: 3 }, 'object', 'Object{both: [Accessor], read: [Accessor], plain: 3}');
put('objectHidden', Object.defineProperty({ seen: 1 }, 'unseen', { value: 2, enumerable: false }), 'object', 'Object{seen: 1, unseen: 2}');
put('objectClass', new Point(1, 2), 'object', 'Point{x: 1, y: 2}');
put('objectSubclass', new Point3(1, 2, 3.5), 'object', 'Point3{x: 1, y: 2, z: 3.5}');
put('objectPrivate', new Safe(), 'object', 'Safe{#combination: "secret", open: true}');
put('objectCreated', Object.create(Point.prototype, { x: { value: 9, enumerable: true } }), 'object', 'Point{x: 9}');
put('objectArguments', (function (a, b) { return arguments; })(1, 'two'), 'arguments', 'Arguments(2)[1, "two"]');
put('objectArgumentsSloppy', new Function('a', 'b', 'a = "changed"; return [() => a, arguments];')(1, 'two')[1], 'arguments', 'Arguments(2)["changed", "two"]');
put('intl', new Intl.NumberFormat('en'), 'object', 'NumberFormat{', 'start');
put('url', new URL('http://example.org/path?query=1'), 'object', 'URL{', 'start');

// --- arrays
put('arrayEmpty', [], 'array', 'Array(0)[]');
put('arraySmi', [1, 2, 3], 'array', 'Array(3)[1, 2, 3]');
put('arrayDouble', [1.5, 2, -0.25], 'array', 'Array(3)[1.5, 2, -0.25]');
put('arrayMixed', [1, 'two', null, undefined, { a: 1 }, [2], 0.5], 'array', 'Array(7)[1, "two", null, undefined, [Object], [Array], 0.5]');
put('arrayHoley', [1, , 3], 'array', 'Array(3)[0: 1, 2: 3]');
put('arrayHoleyDouble', [1.5, , 3.5], 'array', 'Array(3)[0: 1.5, 2: 3.5]');
put('arrayHoleyObjects', ['a', , 'c', , undefined], 'array', 'Array(5)[0: "a", 2: "c", 4: undefined]');
put('arrayUnfilled', new Array(50), 'array', 'Array(50)[]');
put('arrayLarge', range(100000, (i) => i * 2), 'array', `Array(100000)[${list(range(20, (i) => i * 2), 100000)}]`);
put('arrayLargeDouble', range(30000, (i) => i + 0.5), 'array', `Array(30000)[${list(range(20, (i) => i + 0.5), 30000)}]`);
const sparse = [];
sparse[5] = 'five';
sparse[100000000] = 'far';
put('arraySparse', sparse, 'array', 'Array(100000001)[5: "five", 100000000: "far"]');
put('arrayFrozen', Object.freeze([7, 8]), 'array', 'Array(2)[7, 8]');
put('arrayFrozenObjects', Object.freeze(['x', null]), 'array', 'Array(2)["x", null]');
const shifted = range(40, (i) => i);
for (let i = 0; i < 35; i++) shifted.shift();
put('arrayShifted', shifted, 'array', 'Array(5)[35, 36, 37, 38, 39]');
put('arrayShrunk', (() => { const a = range(1000, (i) => i); a.length = 2; return a; })(), 'array', 'Array(2)[0, 1]');
put('arraySubclass', (class Pile extends Array {}).of(1, 2), 'array', 'Pile(2)[1, 2]');

// --- collections
const keyThing = put('keyThing', new Point(3, 4), 'object', 'Point{x: 3, y: 4}');
put('mapEmpty', new Map(), 'map', 'Map(0){}');
put('map', new Map([['a', 1], [2, 'b'], [keyThing, null], [NaN, 0.5]]), 'map', 'Map(4){"a" => 1, 2 => "b", [Point] => null, NaN => 0.5}');
const thinned = new Map(range(10, (i) => [i, `v${i}`]));
for (const key of [0, 3, 9]) thinned.delete(key);
put('mapDeleted', thinned, 'map', 'Map(7){1 => "v1", 2 => "v2", 4 => "v4", 5 => "v5", 6 => "v6", 7 => "v7", 8 => "v8"}');
put('mapLarge', new Map(range(5000, (i) => [`k${i}`, i])), 'map', `Map(5000){${list(range(20, (i) => `"k${i}" => ${i}`), 5000)}}`);
put('mapCleared', (() => { const m = new Map([[1, 2]]); m.clear(); m.set('after', 1); return m; })(), 'map', 'Map(1){"after" => 1}');
put('mapSubclass', new (class Registry extends Map {})([['a', 1]]), 'map', `${named9('Registry', 'Map')}(1){"a" => 1}`);
const members = new Set(['x', 1, keyThing, undefined, 'gone']);
members.delete('gone');
put('set', members, 'set', 'Set(4){"x", 1, [Point], undefined}');
put('weakMap', new WeakMap([[keyThing, 'by key']]), 'weakmap', 'WeakMap(1){[Point] => "by key"}');
put('weakSet', new WeakSet([keyThing]), 'weakset', 'WeakSet(1){[Point]}');
put('weakRef', new WeakRef(keyThing), 'weakref', 'WeakRef{[Point]}');
put('weakRefDead', (() => new WeakRef(new Point(0, 0)))(), 'weakref', 'WeakRef{', 'start');

// --- dates, patterns, errors, promises
put('date', new Date(Date.UTC(2020, 1, 29, 12, 30, 15, 250)), 'date', '2020-02-29T12:30:15.250Z');
put('dateInvalid', new Date(NaN), 'date', 'Invalid Date');
put('regexp', /a+(b|c)\/\d/giu, 'regexp', '/a+(b|c)\\/\\d/giu');
const used = /x/y;
used.exec('x');
put('regexpUsed', used, 'regexp', '/x/y');
put('regexpPlain', new RegExp('from/text'), 'regexp', '/from\\/text/');
function breakPipe() { return new TypeError('broken pipe'); }
const broken = breakPipe();
const twoLines = (error) => error.stack.split('\n').slice(0, 2).join('\n');
put('error', broken, 'error', twoLines(broken));
class ValidationError extends Error { constructor(field) { super(`bad ${field}`); this.name = 'ValidationError'; this.field = field; } }
const invalid = new ValidationError('name');
put('errorSubclass', invalid, 'error', twoLines(invalid));
const limit = Error.stackTraceLimit;
Error.stackTraceLimit = 0;
const bare = new RangeError('no frames');
put('errorBare', bare, 'error', twoLines(bare));
Error.stackTraceLimit = limit;
put('promisePending', new Promise(() => undefined), 'promise', 'Promise{pending}');
put('promiseFulfilled', Promise.resolve('done'), 'promise', 'Promise{fulfilled: "done"}');
const rejected = put('promiseRejected', Promise.reject(broken), 'promise', 'Promise{rejected: [TypeError]}');
rejected.catch(() => undefined);
put('promiseSubclass', new (class Job extends Promise {})(() => undefined), 'promise', `${named9('Job', 'Promise')}{pending}`);

// --- binary data
const bytes = new ArrayBuffer(8);
new Uint8Array(bytes).set([1, 2, 3, 4, 250, 251, 252, 253]);
put('arrayBuffer', bytes, 'arraybuffer', 'ArrayBuffer(8)[1, 2, 3, 4, 250, 251, 252, 253]');
put('arrayBufferEmpty', new ArrayBuffer(0), 'arraybuffer', 'ArrayBuffer(0)[]');
const common = new SharedArrayBuffer(4);
new Uint8Array(common).set([9, 8, 7, 6]);
put('sharedArrayBuffer', common, 'sharedarraybuffer', 'SharedArrayBuffer(4)[9, 8, 7, 6]');
for (const [Kind, items] of [
  [Int8Array, [-1, 2, 127]], [Uint8Array, [1, 2, 255]], [Uint8ClampedArray, [0, 128, 255]], [Int16Array, [-300, 300]], [Uint16Array, [1, 65535]],
  [Int32Array, [-70000, 70000]], [Uint32Array, [1, 4294967295]], [Float32Array, [0.5, -1.25]], [Float64Array, [0.1, -1e300]],
]) put(`typed${Kind.name}`, Kind.from(items), 'typedarray', `${Kind.name}(${items.length})[${items.map(String).join(', ')}]`);
put('typedBigInt64Array', BigInt64Array.of(BigInt(-5), BigInt('9007199254740993')), 'typedarray', 'BigInt64Array(2)[-5n, 9007199254740993n]');
put('typedBigUint64Array', BigUint64Array.of(BigInt('18446744073709551615')), 'typedarray', 'BigUint64Array(1)[18446744073709551615n]');
put('typedLarge', Uint8Array.from({ length: 5000 }, (_, i) => i), 'typedarray', `Uint8Array(5000)[${list(range(20, (i) => i), 5000)}]`);
put('typedWindow', new Uint8Array(bytes, 2, 3), 'typedarray', 'Uint8Array(3)[3, 4, 250]');
put('dataView', new DataView(bytes, 4, 2), 'dataview', 'DataView(2)[250, 251]');
put('bufferPool', Buffer.from('pooled'), 'buffer', `Buffer(6)[${[...'pooled'].map((c) => c.charCodeAt(0)).join(', ')}]`);
put('bufferOwn', Buffer.alloc(9000, 7), 'buffer', `Buffer(9000)[${list(range(20, () => 7), 9000)}]`);

// --- functions
const at = (fn) => { const { line, column } = definitionPlace(source, fn); return `${path.basename(__filename)}:${line}:${column}`; };
const putFunction = (name, fn, called = fn.name) => put(name, fn, 'function', `${called || '(anonymous)'} ${at(fn)}`);
putFunction('functionNamed', function named(first, second) { return first + second; });
putFunction('functionAnonymous', (() => function (anonymous) { return anonymous; })());
putFunction('functionArrow', (() => (arrow) => arrow * 2)());
putFunction('functionAsync', async function later() { return 'later'; });
putFunction('functionAsyncArrow', (() => async (soon) => soon)());
putFunction('functionGenerator', function* numbers() { yield 1; });
putFunction('functionAsyncGenerator', async function* pages() { yield 'page'; });
putFunction('functionMethod', { shout() { return 'HEY'; } }.shout);
putFunction('functionStatic', (class Factory { static make() { return new this(); } }).make);
putFunction('functionGetter', Object.getOwnPropertyDescriptor({ get lazily() { return 'got'; } }, 'lazily').get, 'lazily');
put('functionClass', class Shape { constructor() { this.sides = 0; } }, 'function', 'Shape ', 'start');
put('functionSubclass', class Square extends Point {}, 'function', 'Square ', 'start');
put('functionBuiltin', Math.max, 'function', 'max', 'start');
put('functionBound', named.bind({ owner: 1 }, 10, 'twenty'), 'bound', 'bound named(this [Object], 10, "twenty")');
function named(a, b) { return [this, a, b]; }

function makeCounter(start, label) {
  let count = start;
  const list = [label];
  return function counter() { count += 0.5; return [count, label, list]; };
}
const counter = makeCounter(41, 'hits');
counter();
counter();
putFunction('closure', counter);
putContext('closure', { count: '42', label: '"hits"', list: '[Array]' });
// Made from text, because a hundred captured variables are what a bundler writes.
const captured = range(100, (i) => `v${String(i).padStart(3, '0')}`);
const wide = new Function('seed', `${captured.map((name, i) => `let ${name} = seed + ${i};`).join('\n')}\nreturn function readAll() { return ${captured.join(' + ')}; };`)(1000);
put('closureWide', wide, 'function', 'readAll', 'start');
putContext('closureWide', Object.fromEntries(captured.map((name, i) => [name, String(1000 + i)])));

// --- suspended work
function* countUp(from) { const step = 2; yield from; yield from + step; }
const running = countUp(5);
running.next();
put('generatorSuspended', running, 'generator', 'countUp suspended');
put('generatorFresh', countUp(1), 'generator', 'countUp suspended');
const finished = countUp(1);
finished.return();
put('generatorClosed', finished, 'generator', 'countUp closed');
async function* stream() { yield await new Promise(() => undefined); }
const streaming = stream();
streaming.next();
put('generatorAsync', streaming, 'generator', 'stream suspended');
async function waitForAnswer(question) { const answer = await new Promise(() => undefined); return [question, answer]; }
put('asyncCall', waitForAnswer('why'), 'promise', 'Promise{pending}');

// --- wrappers
put('proxy', new Proxy(keyThing, {}), 'proxy', 'Proxy{[Point]}');
const revocable = Proxy.revocable({}, {});
revocable.revoke();
put('proxyRevoked', revocable.proxy, 'proxy', 'Proxy{revoked}');
put('boxedNumber', Object(1.5), 'boxed', 'Number{1.5}');
put('boxedString', Object('abc'), 'boxed', 'String{"abc"}');
put('boxedBoolean', Object(false), 'boxed', 'Boolean{false}');
put('boxedSymbol', Object(Symbol('boxed')), 'boxed', 'Symbol{Symbol(boxed)}');
put('boxedBigInt', Object(BigInt(7)), 'boxed', 'BigInt{7n}');

// Strings that only stay what they are while no collection has run: a young thin string and a young cons string.
let youngThin = 'a young key that ';
youngThin += `is thin ${process.pid > 0 ? 'now' : ''}`;
put('stringThinYoung', '', 'string', '"a young key that is thin now"');
put('stringConsYoung', '', 'string', '"a young cons string that nobody has read"');
let youngCons = 'a young cons string ';
stop({ values }, () => {
  globalThis.keys[youngThin] = 2;
  globalThis.zoo.stringThinYoung = youngThin;
  youngCons += `that nobody has ${process.pid > 0 ? 'read' : ''}`;
  globalThis.zoo.stringConsYoung = youngCons;
});
