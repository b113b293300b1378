import type { Secrets } from '../../domain/secrets.ts';
import type { Http, HttpRequest } from './exchange.ts';

/**
 * The network, whose answers know what they may not repeat. A token of Keystone is a secret from its first moment,
 * a signature from when it leaves; no other answer makes a word a secret, and so unseen. What an answer
 * holds as data stays as it is here: a password may be an ordinary word (`withoutSecrets` looks after names).
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

/** As Keystone issues them: 32 characters or many more. What is shorter, or several words, would hide ordinary text. */
const TOKEN = /^[\x21-\x7e]{16,}$/;

function isTokenRequest({ method, url }: HttpRequest): boolean {
  return method === 'POST' && new URL(url).pathname.endsWith('/v3/auth/tokens');
}
