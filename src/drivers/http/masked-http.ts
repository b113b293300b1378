import type { Secrets } from '../../domain/secrets.ts';
import type { Http, HttpRequest } from './exchange.ts';

/**
 * A network whose answers carry the secrets that they may repeat. A token of Keystone is a secret from the moment it is
 * received, a signature from the moment it is sent. No other answer can add a secret: otherwise a server could hide any
 * word in later messages. An answer's data is not masked here, because a password may be an ordinary word (`withoutSecrets` masks
 * names).
 */
export function maskedHttp(network: Http, secrets: Secrets): Http {
  return {
    async send(request) {
      secrets.addSignature(request.headers.Authorization);
      const exchange = await network.send(request);
      if (exchange.kind !== 'answer') return { ...exchange, message: secrets.maskMessage(exchange.message) };
      if (isTokenRequest(request) && exchange.status === 201) {
        const token = exchange.headers['x-subject-token'];
        if (token !== undefined && TOKEN.test(token)) secrets.addToken(token);
      }
      return { ...exchange, secrets };
    },
  };
}

/**
 * A token as Keystone issues it: 32 characters or many more. To mask shorter texts, or several words, would hide
 * ordinary text.
 */
const TOKEN = /^[\x21-\x7e]{16,}$/;

function isTokenRequest({ method, url }: HttpRequest): boolean {
  return method === 'POST' && new URL(url).pathname.endsWith('/v3/auth/tokens');
}
