import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';

/** TLS in front of a server that speaks none, as a load balancer does it. */
export interface TlsFront {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startTlsFront(options: TlsOptions, target: number): Promise<TlsFront> {
  const sockets = new Set<Socket>();
  const server = createServer(options, (client) => {
    const inner = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [client, inner],
      [inner, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
