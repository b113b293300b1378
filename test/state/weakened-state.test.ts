import { expect } from 'chai';
import type { Diagnostic } from '../../src/domain/diagnostic.ts';
import { openBackend } from '../../src/state/open-backend.ts';
import { postgresLocation } from '../../src/state/postgres/postgres-location.ts';
import { fakeClock, newId } from './samples.ts';

async function notesOf(location: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const notes: Diagnostic[] = [];
  const backend = await openBackend(location, {
    clock: fakeClock(),
    newId,
    settleMs: 0,
    env,
    onNote: (note) => notes.push(note),
  });
  expect(notes.every(({ severity }) => severity === 'warning')).to.equal(true);
  expect(backend.location).to.not.include('T0KEN');
  return notes.map(({ summary }) => summary).join('\n');
}

describe('settings of a state that weaken TLS', () => {
  for (const [location, env, told] of [
    ['https://x.example/s', {}, ''],
    ['http://127.0.0.1/s', {}, ''],
    ['http://localhost:8080/s', {}, ''],
    ['http://x.example/s', {}, 'the connection to the state server (x.example) is not encrypted'],
    ['http://T0KEN@x.example/s', {}, 'not encrypted'],
    [
      'https://x.example/s',
      { TF_HTTP_ADDRESS: 'https://x.example/s', TF_HTTP_LOCK_ADDRESS: 'http://y.example/l' },
      'the state server (y.example) is not encrypted',
    ],
    [
      'https://x.example/s',
      { TF_HTTP_SKIP_CERT_VERIFICATION: '1' },
      'the certificate of the state server is not checked',
    ],
    ['https://x.example/s', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'disables every certificate check'],
    ['https://x.example/s', { HTTPS_PROXY: 'http://u:p@proxy.example:3128' }, 'the login for the proxy'],
    ['s3://b/k?endpoint=https://x.example', {}, ''],
    ['s3://b/k', {}, ''],
    ['s3://b/k?endpoint=http://x.example', {}, 'the connection to the bucket (x.example) is not encrypted'],
    ['s3://b/k', { AWS_ENDPOINT_URL_S3: 'http://x.example' }, 'the bucket (x.example) is not encrypted'],
    ['s3://b/k', { AWS_ENDPOINT_URL: 'http://x.example' }, 'the bucket (x.example) is not encrypted'],
    ['s3://b/k?endpoint=https://y.example', { AWS_ENDPOINT_URL: 'http://x.example' }, ''],
    ['s3://b/k', { AWS_ENDPOINT_URL: 'no URL' }, ''],
    ['s3://b/k', { HTTPS_PROXY: 'http://u:p@proxy.example:3128' }, 'the login for the proxy'],
    ['postgres://u@db.example/d', {}, ''],
    ['postgres://u@db.example/d?sslmode=verify-full', {}, ''],
    ['postgres://u@db.example/d?sslmode=require', {}, ''],
    ['postgres://u@127.0.0.1/d', {}, ''],
    ['postgres://u@127.0.0.1/d?sslmode=disable', {}, ''],
    [
      'postgres://u@db.example/d?sslmode=disable',
      {},
      'the connection to the PostgreSQL server is not encrypted',
    ],
    ['postgres://u@db.example/d', { PGSSLMODE: 'disable' }, 'not encrypted'],
    ['postgres:///d', { PGHOST: 'db.example', PGSSLMODE: 'disable' }, 'not encrypted'],
    ['postgres://u@127.0.0.1/d?host=db.example&sslmode=disable', {}, 'not encrypted'],
    [
      'postgres://u@db.example/d?sslmode=no-verify',
      {},
      'certificate of the PostgreSQL server is not checked',
    ],
    ['postgres://u@db.example/d?sslmode=require&uselibpqcompat=true', {}, 'is not checked'],
  ] as const)
    it(`${location} ${JSON.stringify(env)}`, async () => {
      const notes = await notesOf(location, env);
      if (told === '') expect(notes).to.equal('');
      else expect(notes).to.include(told);
    });

  it('verify PostgreSQL on another host fully unless the URL or PGSSLMODE says otherwise', () => {
    const of = (location: string, env = {}) => {
      const { connection, tls } = postgresLocation(new URL(location), env);
      return [new URL(connection).searchParams.get('sslmode'), tls];
    };
    expect(of('postgres://u@db.example/d')).to.deep.equal(['verify-full', 'verified']);
    expect(of('postgres:///d', { PGHOST: 'db.example' })).to.deep.equal(['verify-full', 'verified']);
    expect(of('postgres://u@127.0.0.1/d?host=db.example')).to.deep.equal(['verify-full', 'verified']);
    expect(of('postgres://u@db.example/d', { PGSSLMODE: 'prefer' })).to.deep.equal([
      'verify-full',
      'verified',
    ]);
    expect(of('postgres://u@db.example/d', { PGSSLMODE: 'nonsense' })).to.deep.equal([
      'verify-full',
      'verified',
    ]);
    expect(of('postgres://u@db.example/d?sslmode=disable')).to.deep.equal(['disable', 'none']);
    expect(of('postgres://u@db.example/d?sslmode=verify-full', { PGSSLMODE: 'disable' })[1]).to.equal(
      'verified',
    );
    expect(of('postgres://u@[::1]/d')).to.deep.equal([null, 'local']);
    expect(of('postgres:///d')).to.deep.equal([null, 'local']);
    expect(of('postgres:///d?host=/run/postgresql')).to.deep.equal([null, 'local']);
    expect(of('postgres://u@%2Frun%2Fpostgresql/d')).to.deep.equal([null, 'local']);
    expect(of('postgres://u@127.0.0.1/d?sslrootcert=/ca.pem')).to.deep.equal(['verify-full', 'verified']);
  });

  it('identify a state by its whole address, and show it without secrets', async () => {
    const open = (location: string) =>
      openBackend(location, { clock: fakeClock(), newId, settleMs: 0, env: {} });
    const [one, two] = [await open('https://x.example/s?name=a'), await open('https://x.example/s?name=b')];
    expect(one.location).to.equal(two.location).and.equal('https://x.example/s?name=…');
    expect(one.id).to.not.equal(two.id);
    expect((await open('https://me@x.example/s?name=a')).id).to.equal(one.id);
  });
});
