// A proxy that knows nothing but CONNECT, as a process of its own. With a login in argv it answers 407 to
// everybody else. Writes its port, then each target on a line.
const http = require('node:http');
const net = require('node:net');

const [login] = process.argv.slice(2);
const expected = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
const server = http.createServer((_, response) => response.writeHead(405).end());
server.on('connect', (request, client) => {
  client.on('error', () => {});
  if (expected !== undefined && request.headers['proxy-authorization'] !== expected)
    return client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
  const { hostname, port } = new URL(`http://${request.url}`);
  process.stdout.write(`${request.url}\n`);
  const target = net.connect(Number(port), hostname, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    target.pipe(client).pipe(target);
  });
  client.on('close', () => target.destroy());
  target.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
