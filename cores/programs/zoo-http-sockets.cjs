// Leak: responses that are never ended. Long polls wait for news that do not come; the clients, another process, wait too. Only the sockets hold what belongs to them.
'use strict';
const { fork } = require('node:child_process');
const http = require('node:http');
const net = require('node:net');
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const PER_SOCKET = 5;
if (process.argv[2] === 'client') {
  const [port, sockets] = process.argv.slice(3).map(Number);
  for (let i = 0; i < sockets; i++) {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(`GET /poll/${i} HTTP/1.1\r\nHost: localhost\r\nCookie: session=${i}\r\n\r\n`.repeat(PER_SOCKET)));
    socket.on('error', () => undefined);
  }
  process.on('disconnect', () => process.exit());
} else {
  const polls = scale(4000);
  let news = 0;
  class LongPoll { constructor(request) { this.url = request.url; this.since = Date.now(); this.filter = text(request.url, 1500); } }
  const poller = http.createServer((request, response) => {
    const poll = new LongPoll(request);
    response.on('finish', function onAnswered() { news += poll.filter.length; });
    if (++poller.waiting < polls) return;
    run({
      requests: 4000,
      onRequest: () => undefined,
      facts: () => ({
        leak: {
          className: 'ServerResponse', also: ['LongPoll', 'IncomingMessage', 'Socket', 'onAnswered'], count: polls, holder: ['Socket', 'HTTPParser'],
          kinds: ['instances', 'functions', 'collection'], share: 0.5,
        },
        counts: { LongPoll: polls },
        news,
      }),
    });
  });
  poller.waiting = 0;
  poller.listen(0, '127.0.0.1', () => fork(__filename, ['client', String(poller.address().port), String(polls / PER_SOCKET)], { execArgv: [], stdio: 'ignore' }));
}
