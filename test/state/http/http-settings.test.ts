import { constants } from 'node:buffer';
import { expect } from 'chai';
import { Failure } from '../../../src/domain/errors.ts';
import { httpStateSettings } from '../../../src/state/http/http-settings.ts';
import { privateAuthority } from '../../network/private-authority.ts';

describe('the settings of an HTTP state', () => {
  it('recognise GitLab and Gitea by their path', () => {
    for (const address of [
      'https://gitlab.example/api/v4/projects/7/terraform/state/prod',
      'https://gitea.example/api/packages/ada/terraform/state/prod',
    ])
      expect(httpStateSettings(address, {})).to.include({
        lock_address: `${address}/lock`,
        unlock_address: `${address}/lock`,
        lock_method: 'POST',
        unlock_method: 'DELETE',
        update_method: 'POST',
      });
  });

  it('use LOCK and UNLOCK at the address itself for other servers', () => {
    expect(httpStateSettings('https://x.example/s', {})).to.include({
      lock_address: 'https://x.example/s',
      lock_method: 'LOCK',
      unlock_method: 'UNLOCK',
    });
  });

  it('are overridden by TF_HTTP_*', function () {
    const authority = privateAuthority();
    if (!authority) return this.skip();
    const { ca, tls } = authority;
    authority.remove();
    const { proxyFor, ...settings } = httpStateSettings('https://x.example/states/prod', {
      TF_HTTP_ADDRESS: 'https://X.example:443/states/prod/',
      VBSCTL_STATE_SIZE_LIMIT: '1GiB',
      VBSCTL_STATE_TIMEOUT: '2m',
      TF_HTTP_LOCK_ADDRESS: 'https://x.example/lock',
      TF_HTTP_UNLOCK_ADDRESS: 'https://x.example/unlock',
      TF_HTTP_LOCK_METHOD: 'PUT',
      TF_HTTP_UNLOCK_METHOD: 'POST',
      TF_HTTP_UPDATE_METHOD: 'PUT',
      TF_HTTP_USERNAME: 'ada',
      TF_HTTP_PASSWORD: 'hunter2',
      TF_HTTP_RETRY_MAX: '2',
      TF_HTTP_RETRY_WAIT_MIN: '1',
      TF_HTTP_RETRY_WAIT_MAX: '30',
      TF_HTTP_SKIP_CERT_VERIFICATION: 'true',
      TF_HTTP_CLIENT_CERTIFICATE_PEM: tls.cert,
      TF_HTTP_CLIENT_PRIVATE_KEY_PEM: tls.key,
      TF_HTTP_CLIENT_CA_CERTIFICATE_PEM: ca,
    });
    expect(settings).to.deep.equal({
      address: 'https://x.example/states/prod',
      update_method: 'PUT',
      lock_address: 'https://x.example/lock',
      lock_method: 'PUT',
      unlock_address: 'https://x.example/unlock',
      unlock_method: 'POST',
      username: 'ada',
      password: 'hunter2',
      tls: {
        insecure: true,
        ca,
        cert: tls.cert,
        key: tls.key,
      },
      // Of 1 GiB: as much as Node can read.
      state_bytes_max: constants.MAX_STRING_LENGTH,
      request_timeout_ms: 120_000,
      retry: { retries: 2, wait_ms_min: 1_000, wait_ms_max: 30_000 },
    });
    expect(proxyFor('x.example', 443), 'no HTTPS_PROXY').to.equal(undefined);
  });

  it('ignore a trailing slash of a GitLab address', () => {
    const address = 'https://gitlab.example/api/v4/projects/7/terraform/state/prod';
    for (const end of ['/', '//'])
      expect(httpStateSettings(`${address}${end}`, {})).to.include({
        address,
        lock_address: `${address}/lock`,
        lock_method: 'POST',
      });
  });

  it('name the query of a GitLab address, which such a state does not have', () => {
    const address = 'https://gitlab.example/api/v4/projects/7/terraform/state/prod';
    for (const env of [{}, { TF_HTTP_LOCK_ADDRESS: `${address}/lock` }])
      try {
        httpStateSettings(`${address}?ref=1&private_token=hunter2`, env);
        expect.fail('was accepted');
      } catch (cause) {
        const [{ summary, remedy } = { summary: '', remedy: '' }] = (cause as Failure).diagnostics;
        expect(summary).to.equal(
          'the address of a state on GitLab or Gitea has no query: ref, private_token',
        );
        expect(remedy).to.equal(`name the state without it: ${address}; a token belongs in TF_HTTP_PASSWORD`);
      }
  });

  describe('the lock address of an HTTP state', () => {
    const GITLAB = 'https://gitlab.example/api/v4/projects/7/terraform/state';
    for (const [state, lock, named] of [
      [`${GITLAB}/prod`, `${GITLAB}/prod/lock`],
      [`${GITLAB}/prod`, 'HTTPS://GITLAB.example:443/api/v4/projects/7/terraform/state/prod/lock'],
      ['https://x.example/s', 'https://x.example/s'],
      ['https://x.example/s', 'https://x.example/s/lock'],
      ['https://x.example/s?sig=a', 'https://x.example/s?sig=b'],
      ['https://x.example/s', 'https://x.example/locks/s', 'https://x.example/s'],
      ['https://x.example/s', 'https://other.example/l', 'https://x.example/s/'],
    ] as const)
      it(`is accepted: ${lock} for ${state}${named ? ' of TF_HTTP_ADDRESS' : ''}`, () => {
        const env = { TF_HTTP_LOCK_ADDRESS: lock, TF_HTTP_ADDRESS: named };
        expect(httpStateSettings(state, env).lock_address).to.equal(lock);
        const methods = state.startsWith(GITLAB) ? ['POST', 'DELETE'] : ['LOCK', 'UNLOCK'];
        const { lock_method, unlock_method } = httpStateSettings(state, env);
        expect([lock_method, unlock_method]).to.deep.equal(methods);
      });
    for (const [state, lock, named] of [
      [`${GITLAB}/restores`, `${GITLAB}/production/lock`],
      [`${GITLAB}/restores`, `${GITLAB}/restores-old/lock`],
      [`${GITLAB}/restores`, `${GITLAB}/restores/x/lock`],
      [`${GITLAB}/restores`, `${GITLAB}/restores/lock2`],
      [`${GITLAB}/restores`, `${GITLAB}/restores`],
      [`${GITLAB}/restores`, `${GITLAB}/restores/../production/lock`],
      [`${GITLAB}/restores`, `${GITLAB}/production/lock`, `${GITLAB}/production`],
      [`${GITLAB}/restores`, `${GITLAB}/production/lock`, `${GITLAB}/restores`],
      [`${GITLAB}/restores`, `http://gitlab.example/api/v4/projects/7/terraform/state/restores/lock`],
      ['https://x.example/s', 'https://x.example/other'],
      ['https://x.example/s', 'https://x.example/s2'],
      ['https://x.example/s', 'https://x.example:8443/s'],
      ['https://x.example/s', 'https://x.example/other', 'https://x.example/other'],
      ['https://x.example/s', 'https://x.example/other', 'no address'],
    ] as const)
      for (const name of ['TF_HTTP_LOCK_ADDRESS', 'TF_HTTP_UNLOCK_ADDRESS'])
        it(`is refused: ${name}=${lock} for ${state}${named ? `, TF_HTTP_ADDRESS=${named}` : ''}`, () => {
          try {
            httpStateSettings(state, { [name]: lock, TF_HTTP_ADDRESS: named });
            expect.fail('was accepted');
          } catch (cause) {
            expect(cause).to.be.instanceOf(Failure);
            const { kind, diagnostics } = cause as Failure;
            expect(kind).to.equal('refused');
            expect(String(diagnostics[0]?.detail)).to.include(state).and.include(lock);
            expect(diagnostics[0]?.remedy).to.include(`unset ${name}`);
          }
        });
  });

  for (const [name, value] of [
    ['VBSCTL_STATE_SIZE_LIMIT', 'hunter2'],
    ['VBSCTL_STATE_TIMEOUT', 'hunter2'],
    ['TF_HTTP_LOCK_ADDRESS', 'hunter2'],
    ['TF_HTTP_RETRY_MAX', 'hunter2'],
    ['TF_HTTP_LOCK_ADDRESS', 'https://ada:hunter2@x.example/lock'],
    ['TF_HTTP_UNLOCK_ADDRESS', 'https://ada:hunter2@x.example/lock'],
    ['TF_HTTP_LOCK_METHOD', 'LOCK hunter2'],
    ['TF_HTTP_SKIP_CERT_VERIFICATION', 'hunter2'],
    ['TF_HTTP_CLIENT_CERTIFICATE_PEM', '-----BEGIN CERTIFICATE-----hunter2'],
    ['TF_HTTP_CLIENT_CA_CERTIFICATE_PEM', '/etc/ssl/hunter2.pem'],
  ] as const)
    it(`refuse an invalid ${name} without repeating it (${value.replaceAll('hunter2', '…')})`, () => {
      try {
        httpStateSettings('https://x.example/s', { [name]: value });
        expect.fail('was taken');
      } catch (cause) {
        if (!(cause instanceof Failure)) throw cause;
        expect(cause.kind).to.equal('usage');
        expect(JSON.stringify(cause.diagnostics)).to.contain(name).and.not.contain('hunter2');
      }
    });
});
