// Leak: a queue that is a linked list and never drained: the consumer has died, the producers go on.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const jobs = scale(60000);
class QueuedJob { constructor(payload) { this.payload = payload; this.attempts = 0; this.next = null; } }
class JobQueue {
  constructor() { this.head = null; this.tail = null; this.length = 0; }
  push(payload) {
    const job = new QueuedJob(payload);
    if (this.tail === null) this.head = job;
    else this.tail.next = job;
    this.tail = job;
    this.length++;
  }
}
const mailQueue = new JobQueue();

run({
  requests: jobs,
  onRequest: (exchange, id) => { mailQueue.push({ to: `user${id}@example.org`, body: text(id, 300) }); },
  facts: () => ({
    leak: { className: 'QueuedJob', also: ['JobQueue'], count: jobs, holder: 'mailQueue', kinds: ['instances', 'collection'], share: 0.55 },
    counts: { QueuedJob: jobs, JobQueue: 1 },
  }),
});
