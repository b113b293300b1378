import { expect } from 'chai';
import { proxyFromEnv } from '../../src/network/proxy.ts';
import {
  certificateUnchecked,
  isLoopback,
  proxyLoginUnencrypted,
  unencrypted,
  weakenedByNode,
} from '../../src/network/weakened-tls.ts';

describe('a setting that weakens TLS', () => {
  const summaries = (env: Record<string, string>) => weakenedByNode(env).map(({ summary }) => summary);

  it('is reported for each variable of Node', () => {
    expect(summaries({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })).to.have.length(1);
    expect(summaries({ NODE_OPTIONS: '--tls-min-v1.0 --tls-keylog=/tmp/keys' })).to.have.length(2);
    for (const option of [
      '--tls-min-v1.1',
      '--tls_min_v1.0',
      '"--tls-min-v1.0"',
      '--tls_keylog=/tmp/k',
      '"--tls-keylog=/tmp/a b"',
      '--tls-cipher-list=DEFAULT:@SECLEVEL=0',
    ])
      expect(summaries({ NODE_OPTIONS: option }), option).to.have.length(1);
  });

  it('is not reported if it weakens nothing', () => {
    const env = {
      NODE_TLS_REJECT_UNAUTHORIZED: '1',
      NODE_OPTIONS: '--max-old-space-size=100 --tls-min-v1.3',
      NODE_EXTRA_CA_CERTS: '/etc/own.pem',
    };
    expect(summaries(env)).to.deep.equal([]);
    expect(unencrypted('Keystone', 'https://iam.example', 'x', 'y')).to.equal(undefined);
    expect(unencrypted('Keystone', 'http://127.0.0.1:8080', 'x', 'y')).to.equal(undefined);
    expect(unencrypted('Keystone', 'no address', 'x', 'y')).to.equal(undefined);
  });

  it('is reported with the server and the name of the setting', () => {
    expect(unencrypted('Keystone', 'http://iam.example/v3', 'OS_* variables', 'do it')).to.deep.include({
      severity: 'warning',
      code: 'weakened-tls',
      summary: 'the connection to Keystone (iam.example) is not encrypted: its address begins with http://',
      remedy: 'do it',
    });
    expect(certificateUnchecked('the cloud', 'cloud otc', 'do it').detail).to.contain('cloud otc');
  });

  it('can be the login for a proxy on another machine, which is not repeated', () => {
    const via = (HTTPS_PROXY: string) =>
      proxyLoginUnencrypted(proxyFromEnv({ HTTPS_PROXY })('iam.example', 443), 'HTTPS_PROXY');
    expect(via('http://ann:s3cret@proxy.example:3128')?.summary).to.contain('proxy.example:3128');
    expect(JSON.stringify(via('http://ann:s3cret@proxy.example'))).not.to.contain('s3cret');
    expect(via('http://proxy.example')).to.equal(undefined);
    expect(via('http://ann:s3cret@127.0.0.1:3128')).to.equal(undefined);
  });

  for (const [host, here] of [
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['localhost', true],
    ['LOCALHOST', true],
    ['[::1]', true],
    ['::1', true],
    ['[::ffff:7f00:1]', true],
    ['::ffff:127.0.0.1', true],
    ['[::ffff:7fff:1]', true],
    // 7.240.0.1 and 0.127.0.1
    ['[::ffff:7f0:1]', false],
    ['[::ffff:7f:1]', false],
    ['128.0.0.1', false],
    ['127.0.0.1.attacker.example', false],
    ['localhost.attacker.example', false],
    ['notlocalhost', false],
    ['a.localhost', false],
    // A name server is asked, not /etc/hosts.
    ['localhost.', false],
    ['localhost.localdomain', false],
    ['ip6-localhost', false],
    ['[::2]', false],
    ['0.0.0.0', false],
  ] as const)
    it(`${here ? 'does not matter' : 'matters'} for the host ${host}`, () => {
      expect(isLoopback(host)).to.equal(here);
    });
});
