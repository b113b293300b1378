import { isDeepStrictEqual } from 'node:util';
import type { Answer, Exchange, Http, HttpRequest } from '../../src/drivers/http/exchange.ts';
import { recorded, recordedRequest } from './answers.ts';

/** A network that returns recorded answers of real servers, and fails if the requests differ from the recording. */
export class RecordedCloud implements Http {
  readonly #story: string[];
  readonly asked: { readonly method: string; readonly path: string; readonly version: string | undefined }[] =
    [];
  /** Called first. If it returns undefined, the recorded answer is returned. */
  instead: (request: HttpRequest) => Answer | undefined = () => undefined;

  constructor(story: readonly string[]) {
    this.#story = [...story];
  }

  async send(request: HttpRequest): Promise<Exchange> {
    const { pathname, search } = new URL(request.url);
    this.asked.push({
      method: request.method,
      path: pathname + search,
      version: request.headers['OpenStack-API-Version'],
    });
    const other = this.instead(request);
    if (other) return other;
    const next = this.#story.shift();
    if (next === undefined) throw new Error(`nothing recorded for ${request.method} ${pathname}`);
    const { method, path, body } = recordedRequest(next);
    const [expected = ''] = path.split('?');
    if (method !== request.method || expected !== pathname)
      throw new Error(`asked ${request.method} ${pathname}, recorded as ${next} is ${method} ${expected}`);
    const sent = request.method === 'POST' ? JSON.parse(request.body) : null;
    if (!isDeepStrictEqual(sent, body))
      throw new Error(`asked ${JSON.stringify(sent)}, recorded as ${next} is ${JSON.stringify(body)}`);
    return recorded(next);
  }

  get isOver(): boolean {
    return this.#story.length === 0;
  }
}
