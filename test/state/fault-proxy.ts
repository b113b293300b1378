import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A network between a client and a server that can lose answers: what the client sends arrives, and when a
 * request matches, the connection is cut as soon as the server answers. Nothing of that answer comes through.
 */
export class FaultProxy {
  readonly #target: () => { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #loses: { readonly pattern: RegExp; left: number } | undefined;
  /** Answers lost so far. */
  lost = 0;

  constructor(target: () => { readonly host: string; readonly port: number }) {
    this.#target = target;
  }

  async start(): Promise<number> {
    const server = createServer((client) => this.#join(client));
    this.#server = server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  /** The answers to the next `times` requests that contain `pattern` are lost. */
  loseAnswers(pattern: RegExp, times = 1): void {
    this.#loses = { pattern, left: times };
  }

  #join(client: Socket): void {
    const { host, port } = this.#target();
    const server = connect(port, host);
    let lose = false;
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    client.on('data', (chunk) => {
      const loses = this.#loses;
      if (loses && loses.left > 0 && loses.pattern.test(chunk.toString('latin1'))) {
        loses.left -= 1;
        lose = true;
      }
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (!lose) return client.write(chunk);
      this.lost += 1;
      lose = false;
      client.destroy();
    });
    client.on('end', () => server.end());
    server.on('end', () => client.end());
  }
}
