import { expect } from 'chai';
import fc from 'fast-check';
import { sign } from '../../../src/drivers/auth/sign.ts';
import { verify } from '../../../src/emulator/signature.ts';

/** Two readings of the same reference, written apart: they must agree on every request. */
describe('the signer of the drivers and the gateway of the emulator', () => {
  const NOW = Date.UTC(2026, 10, 23, 18, 0, 0);
  const key = { access_key: 'AK', secret_key: 'SK' };
  const text = fc.string({ unit: 'grapheme', maxLength: 12 });
  const segment = text.filter((each) => each !== '' && each !== '.' && each !== '..');
  const requests = fc.record({
    method: fc.constantFrom('GET', 'POST'),
    host: fc.constantFrom('vbs.example', 'evs.example:8443', '127.0.0.1:8787'),
    segments: fc.array(segment, { maxLength: 4 }),
    query: fc.array(fc.tuple(segment, text), { maxLength: 4 }),
    body: text,
    token: fc.option(fc.stringMatching(/^[\x21-\x7e]{1,20}$/), { nil: undefined }),
  });

  it('agree on every request, and on none that was changed', () => {
    fc.assert(
      fc.property(requests, fc.boolean(), ({ method, host, segments, query, body, token }, tampered) => {
        const url = new URL(`https://${host}/${segments.map(encodeURIComponent).join('/')}`);
        for (const [name, value] of query) url.searchParams.append(name, value);
        const mine = { ...key, ...(token === undefined ? {} : { security_token: token }) };
        const signed = sign({ method, url: url.href, body }, mine, 'p', NOW);
        const headers = Object.fromEntries(
          Object.entries({ ...signed, host }).map(([name, value]) => [name.toLowerCase(), value]),
        );
        const verified = verify(
          {
            method,
            path: url.pathname,
            query: url.searchParams,
            headers,
            body: tampered ? `${body}x` : body,
            base_url: url.origin,
            request_id: 'req',
          },
          () => ({ id: 'AK', secret: 'SK', user_id: 'u', security_token: token ?? null }),
          NOW,
        );
        expect(verified.ok).to.equal(!tampered);
      }),
    );
  });
});
