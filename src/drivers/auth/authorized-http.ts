import type { Http, HttpRequest } from '../http/exchange.ts';
import type { CloudClock } from './cloud-clock.ts';

/**
 * The network for requests with a credential, which is added when they are sent. Every answer updates the cloud's
 * clock.
 */
export function authorizedHttp(network: Http, cloudClock: CloudClock): Http {
  return {
    async send(request) {
      const timing = cloudClock.requestSent();
      const exchange = await network.send(withCredential(request));
      if (exchange.kind === 'answer') timing.answered(exchange);
      return exchange;
    },
  };
}

function withCredential(request: HttpRequest): HttpRequest {
  const { credential, ...rest } = request;
  return credential ? { ...rest, headers: { ...rest.headers, ...credential.headers(request) } } : request;
}
