import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../../src/domain/config.ts';
import { KeystoneSession, parseToken } from '../../../src/drivers/auth/keystone.ts';
import { Budget } from '../../../src/drivers/http/budget.ts';
import type { Credential, Exchange } from '../../../src/drivers/http/exchange.ts';
import { ThrottledHttp } from '../../../src/drivers/http/throttled-http.ts';
import { answer, recorded } from '../answers.ts';
import { FakeClock } from '../fake-clock.ts';

const NOW = Date.UTC(2026, 10, 23, 18, 0, 0);

describe('a session', () => {
  it('does not drop a new token for a late report about the old one', async () => {
    const clock = new FakeClock();
    let asked = 0;
    const send = async (): Promise<Exchange> => {
      const body = { token: { expires_at: new Date(clock.now() + 3_600_000).toISOString() } };
      return answer(201, body, { 'x-subject-token': `t${++asked}` });
    };
    const http = new ThrottledHttp({
      http: { send },
      budget: new Budget(1_000, clock),
      clock,
      retry: DEFAULT_CONFIG.retry,
    });
    const auth = { type: 'token', token: 'given', project: { id: 'p' } } as const;
    const tools = { http, clock, retry: DEFAULT_CONFIG.retry, random: () => 0 };
    const session = new KeystoneSession('https://iam.example', auth, tools);
    const credential = async () => {
      const grant = await session.credential();
      if (grant.kind === 'unavailable') throw new Error(grant.failure.message);
      return grant.credential;
    };
    const first = await credential();
    expect(tokenOf(first)).to.equal('t1');
    session.reportRefused(first);
    expect(tokenOf(await credential())).to.equal('t2');
    session.reportRefused(first);
    expect(tokenOf(await credential())).to.equal('t2');
  });
});

/** What a request carries. */
function tokenOf(credential: Credential): string | undefined {
  return credential.headers({ method: 'GET', url: '', headers: {} })['X-Auth-Token'];
}

describe('a token', () => {
  it("as a real Keystone gives it, lives by the cloud's clocks", () => {
    const token = parseToken(recorded('keystone-token-password'), 0);
    expect(typeof token === 'string' ? token : tokenOf(token.credential)).to.equal('TOKEN');
    expect(token).to.deep.include({
      lifetimeMs: 3_600_000,
      project: { id: '0e8396c4fa5d47829b8617b61c685475', name: 'demo' },
    });
  });

  it('that does not say when it was given counts from the Date header, else from now', () => {
    const body = { token: { expires_at: '2026-11-23T19:00:00.000000Z' } };
    const headers = { 'x-subject-token': 't' };
    const date = 'Mon, 23 Nov 2026 18:30:00 GMT';
    expect(parseToken(answer(201, body, { ...headers, date }), NOW)).to.include({ lifetimeMs: 1_800_000 });
    expect(parseToken(answer(201, body, headers), NOW)).to.include({ lifetimeMs: 3_600_000 });
  });

  it('without an expiry is none', () => {
    expect(parseToken(answer(201, { token: {} }, { 'x-subject-token': 't' }), NOW)).to.contain('no expiry');
  });
});
