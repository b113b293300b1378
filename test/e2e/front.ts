import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Workspace } from './workspace.ts';

export interface FrontReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * A gateway before the emulator of a workspace: all addresses that the cloud names lead through it, and it may answer itself.
 */
export class Front {
  /** Paths that came, with method and time (ms, of a clock that does not jump). */
  readonly seen: { readonly method: string; readonly path: string; readonly at: number }[] = [];
  /** Answers in place of the cloud. */
  replace: (method: string, path: string) => FrontReply | undefined = () => undefined;
  /** Changes an answer of the cloud. */
  change: (path: string, body: string) => string = (_path, body) => body;
  readonly #workspace: Workspace;
  readonly #server: http.Server;

  private constructor(workspace: Workspace) {
    this.#workspace = workspace;
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
  }

  static async before(workspace: Workspace): Promise<Front> {
    const front = new Front(workspace);
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get env(): Record<string, string> {
    return { ...this.#workspace.cloud.env(), OS_AUTH_URL: `${this.#url}/v3` };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const { method = 'GET', url: path = '' } = request;
    this.seen.push({ method, path, at: performance.now() });
    const reply = this.replace(method, path);
    if (reply) {
      response.writeHead(reply.status, reply.headers);
      response.end(reply.body ?? '');
      return;
    }
    const cloud = new URL(this.#workspace.cloud.url);
    const forwarded = http.request(
      {
        host: cloud.hostname,
        port: cloud.port,
        method,
        path,
        headers: { ...request.headers, host: cloud.host },
      },
      async (answer) => {
        const got: Buffer[] = [];
        for await (const part of answer) got.push(part);
        const text = Buffer.concat(got).toString().replaceAll(cloud.origin, this.#url);
        const body = this.change(path, text);
        const { 'transfer-encoding': _chunked, connection: _kept, ...headers } = answer.headers;
        response.writeHead(answer.statusCode ?? 502, {
          ...headers,
          'content-length': String(Buffer.byteLength(body)),
        });
        response.end(body);
      },
    );
    forwarded.on('error', () => response.destroy());
    forwarded.end(Buffer.concat(parts));
  }
}
