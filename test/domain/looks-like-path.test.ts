import { expect } from 'chai';
import { looksLikePath, shownWord } from '../../src/domain/looks-like-path.ts';

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
    'plan-2026-11-24T06:00:00+01:00.json',
    'plan (1).json',
    'zustände/straße.json',
    'deploy/production/payments-plan',
    './db:5432',
    `/tmp/vbsctl-aB3/${'x'.repeat(255)}`,
  ])
    it(`is true for ${text.slice(0, 60)}`, () => {
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
    ['a line of .pgpass with a time in it', 'db:54:32:*:u:pass.word'],
    ['a secret key', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
    ['a short one', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCY'],
    ['an assignment', 'aws_secret_access_key=abc'],
    ['a word too long for a file', `/${'x'.repeat(256)}`],
    ['nothing', ''],
  ] as const)
    it(`is false for ${what}`, () => {
      expect(looksLikePath(text)).to.equal(false);
    });
});

describe('an argument of a command line in a message', () => {
  for (const word of [
    '--allow-forgotten-restores',
    'payments/pay-db-data',
    '0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11',
  ])
    it(`is shown: ${word}`, () => {
      expect(shownWord(word)).to.equal(word);
    });
  for (const word of [
    '-----BEGIN PRIVATE KEY-----\nMC4C',
    'MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  ])
    it(`is hidden if it may be the content of a file: ${word.slice(0, 20)}`, () => {
      expect(shownWord(word)).to.equal('…');
    });
});
