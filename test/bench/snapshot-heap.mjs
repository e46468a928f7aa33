// Fills a heap with what servers keep, and writes V8's own snapshot of it: node --max-old-space-size=8192 snapshot-heap.mjs FILE RECORDS
// A record is about 11 nodes and 34 edges.
import { writeHeapSnapshot } from 'node:v8';

const [file, records] = process.argv.slice(2);

class User {
  constructor(id) {
    this.id = id;
    this.name = `user ${id}`;
    this.tags = [`tag ${id % 1000}`, { level: id % 7 }];
  }
}
class Session {
  constructor(id, user) {
    this.user = user;
    this.started = id + 0.5;
    this.onEnd = () => this.user.name;
    this.data = { ip: `10.0.${id & 255}.${id >> 8}`, previous: user };
  }
}

const sessions = new Map();
const everyone = [];
globalThis.kept = { sessions, everyone };
for (let id = 0; id < Number(records); id++) {
  const user = new User(id);
  everyone.push(user);
  sessions.set(`s${id}`, new Session(id, user));
}
writeHeapSnapshot(file);
