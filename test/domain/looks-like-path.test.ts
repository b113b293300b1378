import { expect } from 'chai';
import { looksLikePath } from '../../src/domain/looks-like-path.ts';

describe('looksLikePath', () => {
  for (const text of [
    '/etc/vbsctl/vbsctl.yaml',
    '/etc/vbsctl/keys of the operator',
    '~/keys/plan-signing.pem',
    './keys',
    '../keys/a',
    'vbsctl.yaml',
    'certificates/of/the/whole/company/otc-prod.pem',
    'keys',
    'system',
    `/tmp/vbsctl-aB3/${'x'.repeat(255)}`,
  ])
    it(`takes ${text.slice(0, 60)} for a path`, () => {
      expect(looksLikePath(text)).to.equal(true);
    });

  for (const [what, text] of [
    ['PEM', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----\n'],
    ['PEM without its line breaks', '-----BEGIN PRIVATE KEY-----MC4CAQAwBQYDK2Vw-----END PRIVATE KEY-----'],
    ['a line of PEM', 'MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF'],
    [
      'a line of PEM that begins with a slash',
      '/C4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF',
    ],
    ['PEM in base64', 'LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1DNENBUUF3QlFZREsyVndCQ0lFSUo='],
    ['YAML', 'clouds:\n  otc: {auth: {password: hunter2hunter2}}\n'],
    ['YAML in one line', '{clouds: {otc: {auth: {password: hunter2hunter2}}}}'],
    ['a line of .pgpass', 'db:5432:*:u:pass.word'],
    ['a token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'],
    ['an assignment', 'aws_secret_access_key=abc'],
    ['a word too long for a file', `/${'x'.repeat(256)}`],
    ['nothing', ''],
  ] as const)
    it(`does not take ${what} for one`, () => {
      expect(looksLikePath(text)).to.equal(false);
    });
});
