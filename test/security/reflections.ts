import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Emulator } from '../../src/emulator/index.ts';

/** How a server may write down what it was sent. */
export const WRITINGS: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  quoted: (secret) => JSON.stringify(secret),
  'quoted twice': (secret) => JSON.stringify(JSON.stringify({ secret })),
  'quoted by number': (secret) =>
    [...secret].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  'as PHP quotes': (secret) => JSON.stringify(secret).replaceAll('/', '\\/'),
  'as Go quotes': (secret) =>
    JSON.stringify(secret).replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
  'in an address': encodeURIComponent,
  'in an address, small': (secret) =>
    encodeURIComponent(secret).replace(/%../g, (escape) => escape.toLowerCase()),
  'in a form': (secret) => new URLSearchParams({ secret }).toString().slice('secret='.length),
  'in HTML': (secret) =>
    secret.replace(
      /[&<>"']/g,
      (char) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' }[char] ?? '#39'};`,
    ),
  'in HTML by number': (secret) => [...secret].map((char) => `&#${char.charCodeAt(0)};`).join(''),
  'as libpq quotes': (secret) => `password='${secret.replace(/[\\']/g, '\\$&')}'`,
  base64: (secret) => Buffer.from(secret).toString('base64'),
  'base64 of a login': (secret) => Buffer.from(`ci:${secret}`).toString('base64'),
  'base64 of a longer login': (secret) => Buffer.from(`ann:${secret}:`).toString('base64url'),
  hex: (secret) => Buffer.from(secret).toString('hex'),
  HEX: (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  'in capitals': (secret) => secret.toUpperCase(),
  'over two lines': (secret) => `${secret.slice(0, 5)}\n${secret.slice(5)}`,
  'letter by letter': (secret) => [...secret].join(' '),
  cut: (secret) => secret.slice(0, Math.max(30, Math.floor(secret.length * 0.7))),
};

/** Whether the text tells the secret, in any of these ways. */
export function tells(text: string, secret: string): string | undefined {
  const flat = text.replace(/\s+/g, '');
  for (const [how, write] of Object.entries(WRITINGS)) {
    const written = write(secret);
    // Line breaks of a report do not hide anything; the ends of base64 hold parts of their neighbours.
    const needle = written
      .replace(/\s+/g, '')
      .slice(how.startsWith('base64') ? 6 : 0, how.startsWith('base64') ? -4 : undefined);
    if (flat.includes(needle)) return how;
  }
  return undefined;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A gateway in front of the emulator that answers in its place when it likes, or changes what it answered. */
export class Gateway {
  readonly #server: http.Server;
  readonly #cloud: Emulator;
  answer: (asked: Asked) => Reply | undefined = () => undefined;
  change: (asked: Asked, body: string) => string = (_, body) => body;

  private constructor(cloud: Emulator) {
    this.#cloud = cloud;
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
  }

  static async open(cloud: Emulator): Promise<Gateway> {
    const gateway = new Gateway(cloud);
    await new Promise<void>((resolve) => gateway.#server.listen(0, '127.0.0.1', resolve));
    return gateway;
  }

  env(): Record<string, string> {
    return { ...this.#cloud.env(), OS_AUTH_URL: `http://127.0.0.1:${this.#port}/v3` };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const { method = '', url: path = '', headers } = request;
    const asked: Asked = { method, path, headers, body };
    const own = this.answer(asked);
    if (own) {
      response.writeHead(own.status, { 'Content-Type': 'application/json', ...own.headers });
      response.end(own.body);
      return;
    }
    const passed = http.request(this.#cloud.url + path, { method, headers, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => {
        const { 'content-length': _, 'transfer-encoding': __, ...kept } = answer.headers;
        response.writeHead(answer.statusCode ?? 502, kept);
        response.end(this.change(asked, Buffer.concat(parts).toString()));
      });
    });
    passed.on('error', () => response.destroy());
    passed.end(body);
  }
}
