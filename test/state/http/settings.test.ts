import { expect } from 'chai';
import { Failure } from '../../../src/domain/errors.ts';
import { httpStateSettings } from '../../../src/state/http/settings.ts';

describe('settings of an HTTP state', () => {
  it('GitLab and Gitea are known by their path', () => {
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

  it('any other server is asked by LOCK and UNLOCK at the address itself', () => {
    expect(httpStateSettings('https://x.example/s', {})).to.include({
      lock_address: 'https://x.example/s',
      lock_method: 'LOCK',
      unlock_method: 'UNLOCK',
    });
  });

  it('what TF_HTTP_* says wins', () => {
    const { proxyFor, ...settings } = httpStateSettings(
      'https://x.example/api/v4/projects/7/terraform/state/prod',
      {
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
        TF_HTTP_CLIENT_CERTIFICATE_PEM: '-----BEGIN CERTIFICATE-----\ncert',
        TF_HTTP_CLIENT_PRIVATE_KEY_PEM: '-----BEGIN RSA PRIVATE KEY-----\nkey',
        TF_HTTP_CLIENT_CA_CERTIFICATE_PEM: '-----BEGIN CERTIFICATE-----\nca',
      },
    );
    expect(settings).to.deep.equal({
      address: 'https://x.example/api/v4/projects/7/terraform/state/prod',
      update_method: 'PUT',
      lock_address: 'https://x.example/lock',
      lock_method: 'PUT',
      unlock_address: 'https://x.example/unlock',
      unlock_method: 'POST',
      username: 'ada',
      password: 'hunter2',
      skip_cert_verification: true,
      ca: '-----BEGIN CERTIFICATE-----\nca',
      cert: '-----BEGIN CERTIFICATE-----\ncert',
      key: '-----BEGIN RSA PRIVATE KEY-----\nkey',
      patience: { retries: 2, wait_ms_min: 1_000, wait_ms_max: 30_000 },
    });
    expect(proxyFor('x.example', 443), 'no HTTPS_PROXY').to.equal(undefined);
  });

  for (const [name, value] of [
    ['TF_HTTP_LOCK_ADDRESS', 'hunter2'],
    ['TF_HTTP_RETRY_MAX', 'hunter2'],
    ['TF_HTTP_LOCK_ADDRESS', 'https://ada:hunter2@x.example/lock'],
    ['TF_HTTP_UNLOCK_ADDRESS', 'https://ada:hunter2@x.example/lock'],
    ['TF_HTTP_LOCK_METHOD', 'LOCK hunter2'],
    ['TF_HTTP_SKIP_CERT_VERIFICATION', 'hunter2'],
    ['TF_HTTP_CLIENT_CERTIFICATE_PEM', '-----BEGIN CERTIFICATE-----hunter2'],
    ['TF_HTTP_CLIENT_CA_CERTIFICATE_PEM', '/etc/ssl/hunter2.pem'],
  ] as const)
    it(`refuses a wrong ${name} (${value.replaceAll('hunter2', '…')}), and does not repeat it`, () => {
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
