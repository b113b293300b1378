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
  #refusing = false;
  readonly #counted: { readonly pattern: RegExp; count: number }[] = [];
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

  /** Tells how many requests contained `pattern` since. */
  count(pattern: RegExp): () => number {
    const counter = { pattern, count: 0 };
    this.#counted.push(counter);
    return () => counter.count;
  }

  /** From now on nobody gets through, until the returned function is called: as if the server were down. */
  cutOff(): () => void {
    this.#refusing = true;
    for (const socket of this.#sockets) socket.destroy();
    return () => {
      this.#refusing = false;
    };
  }

  #join(client: Socket): void {
    if (this.#refusing) {
      client.destroy();
      return;
    }
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
      const text = chunk.toString('latin1');
      for (const counter of this.#counted) if (counter.pattern.test(text)) counter.count += 1;
      const loses = this.#loses;
      if (loses && loses.left > 0 && loses.pattern.test(text)) {
        loses.left -= 1;
        lose = true;
      }
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (!lose || chunk.toString('latin1', 0, 12) === 'HTTP/1.1 100') return client.write(chunk);
      this.lost += 1;
      lose = false;
      client.destroy();
    });
    client.on('end', () => server.end());
    server.on('end', () => client.end());
  }
}
