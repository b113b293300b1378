import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { AccessKey } from '../../src/emulator/model.ts';
import { verify } from '../../src/emulator/signature.ts';
import type { WireRequest } from '../../src/emulator/wire.ts';

/** The vendor's own signatures: `made_with` in the file says how they were made. */
const file = JSON.parse(
  readFileSync(new URL('../drivers/auth/fixtures/sdk-hmac-sha256.json', import.meta.url), 'utf8'),
);

interface Vector {
  name: string;
  date: string;
  method: string;
  url: string;
  body: string;
  project_id: string | null;
  security_token: string | null;
  authorization: string;
}

const timeOf = (date: string) =>
  Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

function requestOf(vector: Vector): WireRequest {
  const url = new URL(vector.url);
  return {
    method: vector.method,
    path: url.pathname,
    query: url.searchParams,
    headers: {
      host: url.host,
      authorization: vector.authorization,
      'x-sdk-date': vector.date,
      'x-project-id': vector.project_id ?? undefined,
      'x-security-token': vector.security_token ?? undefined,
    },
    body: vector.body,
    base_url: url.origin,
    request_id: 'req-1',
  };
}

const keyOf = (vector: Vector, more: Partial<AccessKey> = {}): AccessKey => ({
  id: file.access_key,
  secret: file.secret_key,
  user_id: 'u',
  security_token: vector.security_token,
  ...more,
});

const check = (vector: Vector, more: Partial<WireRequest> = {}, key = keyOf(vector), lateMs = 0) =>
  verify(
    { ...requestOf(vector), ...more },
    (id) => (id === key.id ? key : undefined),
    timeOf(vector.date) + lateMs,
  );
const why = (...args: Parameters<typeof check>) => {
  const verified = check(...args);
  return verified.ok ? 'good' : JSON.parse(verified.reply.body).error_msg.split(': ').slice(1).join(': ');
};

describe('a signed request to the emulator', () => {
  const vectors: Vector[] = file.vectors;
  for (const vector of vectors)
    it(`is accepted with the signature that the vendor documents for ${vector.name}`, () => {
      expect(why(vector)).to.equal('good');
    });

  /** Made by the signer of gophertelekomcloud (signer_helper.go) at that time. */
  const scoped: readonly [Partial<WireRequest>, string][] = [
    [
      { method: 'GET', path: '/v2/p1/volumes/detail', query: new URLSearchParams('status=in-use&limit=2') },
      'aaee6b325a974fdfabd5e4c23669b34dccdbf77908467b9b06d66b7f8e690983',
    ],
    [
      { method: 'POST', path: '/v2/p1/cloudbackups/b1/restore', body: '{"restore":{"volume_id":"v1"}}' },
      '46b6bcd37a6f04b1ce72c6354d14c8d1c66c0d404abdc628e6301bf6ba362811',
    ],
  ];
  for (const [request, signature] of scoped)
    it(`is accepted as ${request.method} if it is signed for a day, a region and a service`, () => {
      const key = { ...keyOf(vectors[0] as Vector), id: 'EMULATORACCESSKEY000', security_token: null };
      const verifyAs = (scope: string, separator = ', ') =>
        verify(
          {
            ...{ query: new URLSearchParams(), body: '', base_url: '', request_id: 'req-1' },
            ...({ method: '', path: '' } as const),
            ...request,
            headers: {
              host: `${request.method === 'GET' ? 'evs' : 'vbs'}.eu-de.otc.t-systems.com`,
              'content-type': 'application/json',
              'x-project-id': 'p1',
              'x-sdk-date': '20261123T172725Z',
              authorization: `SDK-HMAC-SHA256 ${[
                `Credential=EMULATORACCESSKEY000/${scope}`,
                'SignedHeaders=content-type;host;x-project-id;x-sdk-date',
                `Signature=${signature}`,
              ].join(separator)}`,
            },
          },
          () => ({ ...key, secret: 'emulator-secret-access-key' }),
          timeOf('20261123T172725Z'),
        ).ok;
      expect(verifyAs('20261123/eu-de/evs/sdk_request')).to.equal(true);
      expect(verifyAs('20261123/eu-de/evs/sdk_request', ',')).to.equal(true);
      for (const scope of ['20261124/eu-de/evs/sdk_request', '20261123/eu-de/evs', '20261123/eu-de/evs/x'])
        expect(verifyAs(scope), scope).to.equal(false);
    });

  const [read, , , , , , , restore, temporary] = vectors as [Vector, ...Vector[]] & Record<7 | 8, Vector>;
  const rows: [string, () => string, string][] = [
    ['another path', () => why(read, { path: '/v2/p/volumes/other' }), 'verify aksk signature fail'],
    ['another method', () => why(read, { method: 'DELETE' }), 'verify aksk signature fail'],
    ['another query', () => why(read, { query: new URLSearchParams('a=b') }), 'verify aksk signature fail'],
    ['another body', () => why(restore, { body: `${restore.body} ` }), 'verify aksk signature fail'],
    ['another secret', () => why(read, {}, keyOf(read, { secret: 'x' })), 'verify aksk signature fail'],
    ['an unknown key', () => why(read, {}, keyOf(read, { id: 'other' })), 'Get secretKey failed'],
    [
      'another project',
      () => why(read, { headers: { ...requestOf(read).headers, 'x-project-id': 'p2' } }),
      'verify aksk signature fail',
    ],
    [
      'temporary keys without their token',
      () => why(temporary, { headers: { ...requestOf(temporary).headers, 'x-security-token': undefined } }),
      'the security token does not belong to the access key',
    ],
    [
      'temporary keys that have ended',
      () => why(temporary, {}, keyOf(temporary, { expires_ms: 0 })),
      'Get secretKey failed: the temporary access key has expired',
    ],
    ['15 minutes late', () => why(read, {}, keyOf(read), 900_000), 'good'],
    [
      'later than that',
      () => why(read, {}, keyOf(read), 901_000),
      'calc ak sk signature fail:signature expired',
    ],
    [
      'earlier than that',
      () => why(read, {}, keyOf(read), -901_000),
      'calc ak sk signature fail:signature expired',
    ],
    [
      'a header that is none',
      () => why(read, { headers: { authorization: 'SDK-HMAC-SHA256 what' } }),
      'Authorization header format is invalid',
    ],
  ];
  for (const [name, run, expected] of rows)
    it(`is ${expected === 'good' ? 'accepted' : 'refused'}: ${name}`, () => {
      expect(run()).to.equal(expected);
    });
});
