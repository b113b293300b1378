import { expect } from 'chai';
import type { Finished } from '../e2e/program.ts';
import { DONE, fakePostgres, int16, int32, JSON_TYPE, message, READY, rows } from './fake-postgres.ts';
import { CRASH, printed, Sandbox } from './sandbox.ts';

/** What a server that says it is PostgreSQL may send, against the built program. */
describe('a PostgreSQL server that violates the protocol', () => {
  let sandbox: Sandbox;
  let closing: (() => void)[];
  beforeEach(() => {
    sandbox = new Sandbox();
    closing = [];
  });
  afterEach(() => {
    for (const close of closing) close();
    sandbox.close();
  });

  const PASSWORD = 'S3CRET-S3CRET';
  const run = (state: string, ...args: readonly string[]) =>
    sandbox.run({ PGPASSWORD: PASSWORD }, ...args, '--state', state);
  const said = (finished: Finished) => printed(finished).replace(/\s+/g, ' ');

  const BROKEN: readonly (readonly [name: string, bytes: Buffer])[] = [
    ['an error whose text has no end', message('E', 'Mabc')],
    ['an error whose fields have no end', message('E', 'Mabc\0')],
    ['an error that ends within the next message', Buffer.concat([message('E', 'Mabc'), READY])],
    ['an empty error', message('E')],
    ['a notice whose text has no end', message('N', 'Mabc')],
    ['an empty authentication', message('R')],
    [
      'login mechanisms without an end',
      message('R', Buffer.concat([int32(10), Buffer.from('SCRAM-SHA-256\0')])),
    ],
    ['a salt that is too short', message('R', Buffer.concat([int32(5), int16(1)]))],
    ['a key that is too short', message('K', int32(1))],
    ['a parameter without a value', message('S', 'a\0')],
    ['an empty “ready”', message('Z')],
    ['a command without an end', message('C', 'SELECT')],
    ['a row of fewer than no columns', message('D', int16(-1))],
    ['a row of very many columns', message('D', int16(32_767))],
    ['a value that is longer than its row', message('D', Buffer.concat([int16(1), int32(1_000), int16(0)]))],
    ['a value of a negative length', message('D', Buffer.concat([int16(1), int32(-2)]))],
    ['columns that are not there', message('T', int16(5))],
    ['fewer than no columns', message('T', int16(-5))],
    ['parameters that are not there', message('t', int16(100))],
    ['a notification without a payload', message('A', Buffer.concat([int32(1), Buffer.from('x\0')]))],
    ['more than belongs there', message('1', 'x')],
    ['a length that is too short', Buffer.from([0x45, 0, 0, 0, 3])],
    ['a length of nothing', Buffer.from([0x5a, 0, 0, 0, 0])],
    ['a login of two gigabytes', Buffer.from([0x52, 0x7f, 0xff, 0xff, 0xff])],
    ['a question for a file', message('G', Buffer.concat([Buffer.from([0]), int16(-1)]))],
    ['another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['zeros', Buffer.alloc(64)],
  ];

  for (const [name, bytes] of BROKEN)
    it(`is refused for ${name}, before the login and as an answer`, async () => {
      const addresses = [
        await fakePostgres({ login: bytes }, closing),
        await fakePostgres({ answer: (sql) => (sql.includes('to_regclass') ? bytes : undefined) }, closing),
        await fakePostgres({ login: bytes, pieces: 1 }, closing),
      ];
      for (const finished of await Promise.all(addresses.map((state) => run(state, 'state', 'list')))) {
        expect(finished.code, said(finished)).to.equal(1);
        expect(said(finished))
          .to.include('the server does not speak the PostgreSQL protocol: it sent')
          .and.not.match(CRASH);
      }
    });

  it('is refused if its login method is not supported', async () => {
    for (const method of [2, 6, 7, 9, 4_711]) {
      const state = await fakePostgres({ login: message('R', int32(method)) }, closing);
      const finished = await run(state, 'state', 'list');
      expect(finished.code, said(finished)).to.equal(1);
      expect(said(finished))
        .to.include(`PostgreSQL asks for a login method that vbsctl does not support (number ${method})`)
        .and.not.match(CRASH);
    }
  });

  it('is read if its answer comes in pieces of one byte', async () => {
    const state = await fakePostgres({ pieces: 1 }, closing);
    const finished = await run(state, 'state', 'list');
    expect(said(finished)).to.include('there is no state at');
  });

  it('cannot fill the memory with endless empty rows', async () => {
    const empty = message('D', int16(0));
    const many = Buffer.concat([message('T', int16(0)), Buffer.alloc(empty.length * 5_000_000, empty), DONE]);
    const state = await fakePostgres(
      { answer: (sql) => (sql.includes('select head') ? many : undefined) },
      closing,
    );
    const finished = await sandbox.run(
      { PGPASSWORD: PASSWORD, NODE_OPTIONS: '--max-old-space-size=400', VBSCTL_STATE_SIZE_LIMIT: '64MiB' },
      'state',
      'list',
      '--state',
      state,
    );
    expect(finished.code, said(finished)).to.equal(1);
    expect(said(finished)).to.include('the answer of PostgreSQL is larger than 64 MiB');
  });

  it('cannot keep the program running by an open connection', async () => {
    for (const login of [undefined, message('E', 'SFATAL\0C28000\0Mno\0\0')]) {
      const state = await fakePostgres({ staysOpen: true, ...(login && { login }) }, closing);
      const finished = await run(state, 'state', 'list');
      expect(finished.code, said(finished)).to.be.oneOf([1, 5]);
    }
  });

  describe('hostile rows in its tables', () => {
    const COLUMNS = ['id', 'info', 'ttl_ms', 'takeover_after_ms', 'renewed_at', 'age_ms'];
    const LOCK = ['the-lock', '{}', '1000', '1000', '2026-11-30T10:00:00.000Z', '5'];
    const locked = (row: readonly (string | null)[], type?: number) =>
      fakePostgres(
        { answer: (sql) => (sql.includes('select id, info') ? rows(COLUMNS, [row], type) : undefined) },
        closing,
      );

    for (const [name, change] of [
      ['a renewal at no time', { 4: null }],
      ['a renewal that never is over', { 4: 'infinity', 5: '-Infinity' }],
      ['a renewal before all time', { 4: '-infinity', 5: 'Infinity' }],
      ['a renewal on no day', { 4: '2026-99-99T99:99:99.000Z' }],
      ['a lease of no length', { 2: null, 3: '-1' }],
      ['a lease that is no number', { 2: 'NaN', 3: '1e400' }],
      ['an age that is no number', { 5: null }],
      ['words that are nested deeply', { 1: '['.repeat(200_000) }],
      ['words of many megabytes', { 1: `{"who": "${'x'.repeat(4 * 1024 ** 2)}"}` }],
      ['words that are none', { 1: null }],
    ] as const)
      it(`show a lock with ${name} by its id, and it can be unlocked`, async () => {
        for (const type of [undefined, JSON_TYPE, 1184]) {
          const state = await locked(Object.assign([...LOCK], change), type);
          const told = await run(state, 'state', 'lock-info');
          expect(said(told))
            .to.match(/vbsctl unlock --state postgres:\S+ the-lock/)
            .and.not.match(CRASH);
          expect(said(told)).to.have.length.lessThan(1_000);
          const freed = await run(state, 'unlock', 'the-lock');
          expect(freed.code, said(freed)).to.equal(0);
          expect(said(freed)).not.to.match(CRASH);
        }
      });

    it('do not show an id that is the password or very long', async () => {
      for (const id of [PASSWORD, `x${PASSWORD}`, 'x'.repeat(100_000), '', null]) {
        const state = await locked(Object.assign([...LOCK], { 0: id }));
        for (const args of [
          ['state', 'lock-info'],
          ['state', 'lock-info', '-o', 'json'],
          ['unlock', 'another'],
        ]) {
          const finished = await run(state, ...args);
          expect(printed(finished)).not.to.include(PASSWORD).and.not.match(CRASH);
          expect(printed(finished)).to.have.length.lessThan(1_500);
        }
      }
    });

    for (const [name, head] of [
      ['nested deeply', `{"a":${'['.repeat(3_000_000)}${']'.repeat(3_000_000)}}`],
      ['of millions of values', `{"a":[${'0,'.repeat(3_000_000)}0]}`],
      ['that is a list', '[]'],
      ['that is empty', ''],
      ['that is none', null],
      ['with a key twice', '{"format":1,"format":1}'],
      ['with a serial of its own', '{"format":1,"serial":7}'],
    ] as const)
      it(`are refused for a head ${name}`, async () => {
        for (const type of [undefined, JSON_TYPE]) {
          const state = await fakePostgres(
            {
              answer: (sql) =>
                sql.includes('select head') ? rows(['head', 'serial'], [[head, '1']], type) : undefined,
            },
            closing,
          );
          const finished = await run(state, 'state', 'list');
          expect(finished.code, said(finished)).to.equal(5);
          expect(said(finished)).not.to.match(CRASH);
        }
      });
  });
});
