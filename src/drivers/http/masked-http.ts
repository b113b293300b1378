import type { Secrets } from '../../domain/secrets.ts';
import type { Http } from './exchange.ts';

/**
 * The network, whose answers know what they may not repeat. A token is a secret from its first moment,
 * a signature from when it leaves. What an answer
 * holds as data stays as it is here: a password may be an ordinary word (`withoutSecrets` looks after names).
 */
export function maskedHttp(network: Http, secrets: Secrets): Http {
  return {
    async send(request) {
      secrets.addSignature(request.headers.Authorization);
      const exchange = await network.send(request);
      if (exchange.kind !== 'answer') return { ...exchange, message: secrets.maskMessage(exchange.message) };
      secrets.add(exchange.headers['x-subject-token']);
      return { ...exchange, secrets };
    },
  };
}
