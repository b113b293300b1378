import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { unusablePem } from '../../src/network/unusable-pem.ts';
import { type PrivateAuthority, privateAuthority } from './private-authority.ts';

describe('PEM texts for TLS', () => {
  let mine: PrivateAuthority | undefined;
  let other: PrivateAuthority | undefined;
  before(function () {
    mine = privateAuthority();
    other = privateAuthority();
    if (!mine || !other) this.skip();
  });
  after(() => {
    mine?.remove();
    other?.remove();
  });

  const texts = () => {
    const { cert = '', key = '' } = mine?.tls ?? {};
    const privateKey = createPrivateKey(key);
    return {
      ca: mine?.ca ?? '',
      cert,
      key,
      sec1: privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
      otherKey: other?.tls.key ?? '',
      encrypted: privateKey
        .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
        .toString(),
      encryptedSec1: privateKey
        .export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
        .toString(),
      der: new X509Certificate(cert).raw.toString('latin1'),
      cut: cert.slice(0, 300),
    };
  };
  type Texts = ReturnType<typeof texts>;

  // Each of them is usable for curl and OpenSSL.
  for (const [name, settings] of [
    ['nothing', () => ({})],
    ['an authority', ({ ca }) => ({ ca })],
    [
      'several authorities, with text between them',
      ({ ca, cert }) => ({ ca: `# mine\n${ca}\n# more\n${cert}` }),
    ],
    ['a certificate with its key', ({ cert, key }) => ({ cert, key })],
    ['the older form of the key', ({ cert, sec1 }) => ({ cert, key: sec1 })],
    ['both in one file', ({ cert, key }) => ({ cert: cert + key, key: cert + key })],
    ['both in one file, the key first', ({ cert, key }) => ({ cert: key + cert, key: key + cert })],
    ['a chain', ({ ca, cert, key }) => ({ cert: cert + ca, key })],
    [
      'line ends of Windows',
      ({ cert, key }) => ({ cert: cert.replaceAll('\n', '\r\n'), key: key.replaceAll('\n', '\r\n') }),
    ],
  ] as [string, (texts: Texts) => object][])
    it(`are accepted: ${name}`, () => {
      expect(unusablePem(settings(texts()))).to.equal(undefined);
    });

  for (const [name, settings, part, why] of [
    [
      'the key of another certificate',
      ({ cert, otherKey }) => ({ cert, key: otherKey }),
      'key',
      'is not the key of',
    ],
    [
      'a key with a passphrase',
      ({ cert, encrypted }) => ({ cert, key: encrypted }),
      'key',
      'has a passphrase',
    ],
    [
      'the older form of it',
      ({ cert, encryptedSec1 }) => ({ cert, key: encryptedSec1 }),
      'key',
      'has a passphrase',
    ],
    ['a certificate as the key', ({ cert }) => ({ cert, key: cert }), 'key', 'has no PEM private key'],
    ['an empty key', ({ cert }) => ({ cert, key: '' }), 'key', 'has no PEM private key'],
    ['a DER certificate', ({ der, key }) => ({ cert: der, key }), 'cert', 'has no PEM certificate'],
    ['half a certificate', ({ cut, key }) => ({ cert: cut, key }), 'cert', 'has no PEM certificate'],
    ['an empty authority', () => ({ ca: '' }), 'ca', 'has no PEM certificate'],
    ['a DER authority', ({ der }) => ({ ca: der }), 'ca', 'has no PEM certificate'],
    ['a key as the authority', ({ key }) => ({ ca: key }), 'ca', 'has no PEM certificate'],
  ] as [string, (texts: Texts) => object, string, string][])
    it(`are refused: ${name}`, () => {
      const unusable = unusablePem(settings(texts()));
      expect(unusable).to.include({ part });
      expect(unusable?.why).to.contain(why);
    });
});
