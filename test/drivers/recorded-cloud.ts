import type { Exchange, Http, HttpRequest } from '../../src/drivers/http/exchange.ts';
import { recorded, recordedRequest } from './answers.ts';

/** A network that gives back what real servers answered, in the order of the story told here. */
export class RecordedCloud implements Http {
  readonly #story: string[];
  readonly asked: { readonly method: string; readonly path: string; readonly version: string | undefined }[] =
    [];

  constructor(story: readonly string[]) {
    this.#story = ['keystone-token-password', ...story];
  }

  async send(request: HttpRequest): Promise<Exchange> {
    const { pathname, search } = new URL(request.url);
    this.asked.push({
      method: request.method,
      path: pathname + search,
      version: request.headers['OpenStack-API-Version'],
    });
    const next = this.#story.shift();
    if (next === undefined) throw new Error(`nothing recorded for ${request.method} ${pathname}`);
    const { method, path } = recordedRequest(next);
    const [expected = ''] = path.split('?');
    if (method !== request.method || expected !== pathname)
      throw new Error(`asked ${request.method} ${pathname}, recorded as ${next} is ${method} ${expected}`);
    return recorded(next);
  }

  get isOver(): boolean {
    return this.#story.length === 0;
  }
}
