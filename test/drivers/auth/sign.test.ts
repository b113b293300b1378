import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { sign } from '../../../src/drivers/auth/sign.ts';

/** `made_with` in the file says how. */
const { access_key, secret_key, vectors } = JSON.parse(
  readFileSync(new URL('fixtures/sdk-hmac-sha256.json', import.meta.url), 'utf8'),
) as {
  readonly access_key: string;
  readonly secret_key: string;
  readonly vectors: readonly {
    readonly name: string;
    /** `20261123T172725Z` */
    readonly date: string;
    readonly method: string;
    readonly url: string;
    readonly body: string;
    readonly project_id: string | null;
    readonly security_token: string | null;
    readonly authorization: string;
  }[];
};

const epochMs = (date: string) =>
  Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
const key = { access_key, secret_key };

describe('a signature', () => {
  for (const { name, date, project_id, security_token, authorization, ...request } of vectors)
    it(`of ${name} is what the vendor’s own signer makes`, () => {
      const temporary = security_token === null ? key : { ...key, security_token };
      expect(sign(request, temporary, project_id ?? undefined, epochMs(date))).to.deep.equal({
        'X-Sdk-Date': date,
        ...(project_id === null ? {} : { 'X-Project-Id': project_id }),
        ...(security_token === null ? {} : { 'X-Security-Token': security_token }),
        Authorization: authorization,
      });
    });

  it('is another one for another moment, body, host, method, path or query', () => {
    const request = { method: 'POST', url: 'https://vbs.example/v2/p/x?limit=1', body: '{}' };
    const of = (more: Partial<typeof request>, nowMs = 0) =>
      sign({ ...request, ...more }, key, 'p', nowMs).Authorization;
    const all = [
      of({}),
      of({}, 1_000),
      of({ body: '{ }' }),
      of({ url: 'https://evs.example/v2/p/x?limit=1' }),
      of({ method: 'GET' }),
      of({ url: 'https://vbs.example/v2/p/y?limit=1' }),
      of({ url: 'https://vbs.example/v2/p/x?limit=2' }),
    ];
    expect(new Set(all).size).to.equal(all.length);
  });

  it('encodes a path once, whether the address came encoded or not', () => {
    const signed = (url: string) => sign({ method: 'GET', url, body: '' }, key, undefined, 0).Authorization;
    expect(signed('https://a.example/v2/a%20b')).to.equal(signed('https://a.example/v2/a b'));
    expect(signed('https://a.example/v2/%')).to.be.a('string');
  });
});
