import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { expect } from 'chai';
import { openConnections } from '../../src/network/connections.ts';

describe('a host with several addresses', () => {
  let server: ChildProcess | undefined;
  const waiting: net.Socket[] = [];
  afterEach(() => {
    server?.kill('SIGKILL');
    for (const socket of waiting.splice(0)) socket.destroy();
  });

  // A stopped server with a full queue answers no SYN; the system repeats it after one second.
  it('is reached if the working address needs more than the 250 ms of Node', async () => {
    const program =
      'const s = require("http").createServer((q, a) => a.end("reached")); s.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(s.address().port))';
    server = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = server.stdout ? await once(server.stdout, 'data') : [];
    const port = Number(String(line));
    server.kill('SIGSTOP');
    for (let n = 0; n < 4; n++) waiting.push(net.connect({ port, host: '127.0.0.1' }).on('error', () => {}));
    await new Promise((done) => setTimeout(done, 100));

    const { http: agent } = openConnections({ connectTimeoutMs: 5_000 }).reads;
    const lookup: net.LookupFunction = (_host, _options, done) =>
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ]);
    const request = http.get({ agent, host: 'two.test', port, lookup });
    const answer = once(request, 'response');
    await new Promise((done) => setTimeout(done, 600));
    server.kill('SIGCONT');
    const [response] = (await answer) as [http.IncomingMessage];
    const text: Buffer[] = [];
    for await (const part of response) text.push(part);
    expect(String(Buffer.concat(text))).to.equal('reached');
    agent.destroy();
  });
});
