// Dies of its heap limit: run with --max-old-space-size=64. The kernel core is that of V8's own fatal error.
'use strict';
const { print } = require('./lib/stop.cjs');

class Leak { constructor(i) { this.id = i; this.text = `leak number ${i}`; this.when = i + 0.5; } }
class Innocent { constructor(i) { this.id = i; } }

const leaked = [];
globalThis.kept = { leaked, innocent: Array.from({ length: 1000 }, (_, i) => new Innocent(i)) };
print({ className: 'Leak', counts: { Innocent: 1000 } });
for (let i = 0; ; i++) leaked.push(new Leak(i));
