import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import { runInterruptibly, runSync } from '../../src/domain/chunked-work.ts';
import { Failure } from '../../src/domain/errors.ts';
import { emptyState, fold, type State } from '../../src/domain/state.ts';
import { decodeSnapshot, encodeSnapshot } from '../../src/state/codec.ts';
import { extendChain, findBreaks } from '../../src/state/history-chain.ts';
import { ACTOR, AT, chained, numbered, sample, TARGET } from './samples.ts';

const FILE = 'x.state.json';

function encode(state: State): string {
  return encodeSnapshot({ state, chain: extendChain(state, []) });
}

const decode = (text: string) => runSync(decodeSnapshot(Buffer.from(text), FILE));

function refusal(text: string | Uint8Array): Failure {
  try {
    runSync(decodeSnapshot(typeof text === 'string' ? Buffer.from(text) : text, FILE));
  } catch (cause) {
    expect(cause).to.be.instanceOf(Failure);
    return cause as Failure;
  }
  throw new Error('was accepted');
}

describe('the state codec', () => {
  it('reads each kind of record and entry that it wrote', () => {
    const state = sample();
    const back = decode(encode(state));
    expect(back.state).to.deep.equal({ ...state, records: back.state.records });
    expect(Object.fromEntries(back.state.records)).to.deep.equal(Object.fromEntries(state.records));
    expect(back.chain).to.deep.equal(extendChain(state, []));
    expect(encodeSnapshot(back)).to.equal(encode(state));
  });

  it('reads each kind of entry but an acceptance in the history', () => {
    const whole = chained('line-1', 9);
    expect(new Set(whole.state.history.map(({ type }) => type))).to.have.length(5);
    const back = decode(encodeSnapshot(whole));
    expect(back).to.deep.equal({ ...whole, state: { ...whole.state, records: back.state.records } });
    expect(Object.fromEntries(back.state.records)).to.deep.equal(Object.fromEntries(whole.state.records));
    expect(runSync(findBreaks(back.state, back.chain))).to.deep.equal([]);
  });

  it('keeps the mark of a state that was migrated', () => {
    const { state, chain } = chained('line-1', 9);
    const moved_to = { location: 's3://restores/prod', at: AT, by: 'ada@bench', serial: 9 };
    const text = encodeSnapshot({ state: { ...state, serial: 10, moved_to }, chain });
    expect(decode(text).state.moved_to).to.deep.equal(moved_to);
    expect(encodeSnapshot(decode(text))).to.equal(text);
    expect(decode(encodeSnapshot({ state, chain })).state).to.not.have.property('moved_to');
  });

  it('refuses to write a state that could not be read again', () => {
    const state = sample();
    const whole = { state, chain: extendChain(state, []) };
    const { length } = encodeSnapshot(whole);
    expect(encodeSnapshot(whole, undefined, length + 100)).to.have.length(length);
    expect(() => encodeSnapshot(whole, undefined, length - 1)).to.throw(Failure, 'the state is larger than');
    // As V8 says it of a text that is really so long.
    const endless = { toJSON: () => 'x'.repeat(2 ** 30) } as never;
    expect(() => encodeSnapshot({ ...whole, state: { ...state, moved_to: endless } }))
      .to.throw(Failure, 'the state is larger than 512 MiB')
      .with.nested.property('diagnostics[0].remedy')
      .which.includes('--state');
  });

  it('writes records sorted, one a line, with format and serial on top', () => {
    const text = encode(sample());
    const value = JSON.parse(text);
    expect(Object.keys(value)).to.deep.equal([
      'format',
      'lineage',
      'serial',
      'created_at',
      'target',
      'records',
      'history',
    ]);
    expect(value).to.include({ format: 1, serial: 7 });
    const addresses = value.records.map((r: { address: string }) => r.address);
    expect(addresses).to.deep.equal([...addresses].sort());
    expect(text.split('\n').filter((l) => l.startsWith('    {'))).to.have.length(6 + 7);
  });

  it('writes and reads an empty state', () => {
    const state = emptyState('line-1', TARGET, AT);
    expect(decode(encode(state)).state).to.deep.equal(state);
  });

  it('accepts a byte order mark and reformatting', () => {
    const text = encode(sample());
    expect(decode(`\ufeff${JSON.stringify(JSON.parse(text), undefined, '\t')}`)).to.deep.equal(decode(text));
  });

  it('refuses a newer format and says who wrote it', () => {
    const { diagnostics, kind } = refusal(encode(sample()).replace('"format": 1', '"format": 2'));
    expect(kind).to.equal('refused');
    expect(diagnostics[0]?.summary).to.match(/newer vbsctl \(format 2/);
  });

  for (const [name, text, code] of [
    ['an empty file', '', 'state-damaged'],
    ['another JSON file', '{"version": 4, "terraform_version": "1.9"}', 'state-not-vbsctl'],
    ['a list', '[]', 'state-not-vbsctl'],
    ['null', 'null', 'state-not-vbsctl'],
    ['a format that is no number', '{"format": "1"}', 'state-not-vbsctl'],
    ['merge marks', '{\n<<<<<<< HEAD\n"format": 1}', 'state-damaged'],
  ] as const)
    it(`refuses ${name}`, () => {
      expect(refusal(text).diagnostics[0]?.code).to.equal(code);
    });

  it('refuses text that is not UTF-8', () => {
    expect(refusal(Buffer.from([0x7b, 0xff, 0x7d])).diagnostics[0]?.summary).to.match(/UTF-8/);
  });

  it('reports line and column of invalid JSON', () => {
    const text = encode(sample()).replace('"serial": 7', '"serial": seven');
    expect(refusal(text).diagnostics[0]?.where).to.deep.equal({
      file: FILE,
      line: 4,
      column: 13,
      text: '  "serial": seven,',
    });
  });

  it('reports where a truncated text ends', () => {
    expect(refusal('{"format": 1,\n "lineage": "x"').diagnostics[0]?.where).to.include({
      line: 2,
      column: 16,
    });
  });

  for (const [name, from, to, message, line] of [
    [
      'a misspelt status',
      '"status":"running"',
      '"status":"runing"',
      /records\[3\]\.status: expected one of .*"running".* found "runing"/,
      16,
    ],
    [
      'an unknown field',
      '"job_id":"job-1"',
      '"jobid":"job-1"',
      /jobid: unknown field \(allowed: .*job_id/,
      16,
    ],
    [
      'a missing field',
      '"reason":"seen by hand",',
      '',
      /resolution\.reason: expected a text, but it is missing/,
      undefined,
    ],
    [
      'a time without zone',
      '"created_at": "2026-11-23T22:00:00.000Z"',
      '"created_at": "2026-11-23T22:00:00"',
      /created_at: expected a time like/,
      5,
    ],
    [
      'a negative serial',
      '"serial": 7',
      '"serial": -7',
      /serial: expected an integer from 0 to \d+, found -7/,
      4,
    ],
    [
      'a serial without room above it',
      '"serial": 7',
      '"serial": 9007199254740991',
      /serial: expected an integer from 0 to 4503599627370496, found 9007199254740991/,
      4,
    ],
    [
      'an address twice',
      '"address":"pay/not"',
      '"address":"pay/log"',
      /records\[1\]\.address: expected each address once/,
      14,
    ],
    ['a hash that is none', /"hash":"[0-9a-f]{8}/, '"hash":"', /hash: expected a SHA-256/, undefined],
    [
      'records that are no list',
      /"records": \[[\s\S]*?\n {2}\]/,
      '"records": {}',
      /records: expected an array, found \{\}/,
      12,
    ],
    ['__proto__', '"format": 1', '"format": 1, "__proto__": {"records": []}', /__proto__: unknown field/, 2],
    [
      'a settle that no config may have',
      '"settle_ms":120000',
      '"settle_ms":1e15',
      /settle_ms: expected an integer from 0 to 86400000/,
      13,
    ],
    ['null for nothing', '"job_id":"job-1"', '"job_id":null', /job_id: expected a text, found null/, 16],
  ] as const)
    it(`reports the position of ${name}`, () => {
      const text = encode(sample());
      const edited = text.replace(from, to);
      expect(edited).to.not.equal(text);
      const [diagnostic] = refusal(edited).diagnostics;
      expect(diagnostic?.summary).to.match(message);
      expect(diagnostic?.remedy).to.match(/nothing was changed/);
      if (line) expect(diagnostic?.where?.line).to.equal(line);
      else expect(diagnostic?.where?.line).to.be.greaterThan(1);
    });

  it('refuses a text that is cut anywhere, with the position', () => {
    const bytes = Buffer.from(encode(sample()));
    for (let length = 0; length < bytes.length - 1; length += 31)
      expect(refusal(bytes.subarray(0, length)).kind).to.equal('refused');
  });

  it('reads or refuses a randomly edited text, and never crashes', () => {
    const text = encode(sample());
    const edit = fc.tuple(
      fc.nat(text.length),
      fc.nat(6),
      fc.constantFrom('', '"', '{', '[', ',', '0', 'null', '\\', '\u0000', ' '),
    );
    fc.assert(
      fc.property(edit, ([at, length, insert]) => {
        try {
          decode(text.slice(0, at) + insert + text.slice(at + length));
        } catch (cause) {
          expect(cause).to.be.instanceOf(Failure);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads in steps, and ends at a stop', async () => {
    const state = fold(
      emptyState('line-1', TARGET, AT),
      Array.from({ length: 5_000 }, (_, n) => ({
        serial: n + 1,
        at: AT,
        actor: ACTOR,
        changes: [numbered(n)],
      })),
    );
    const bytes = Buffer.from(encode(state));
    expect(bytes.length).to.be.greaterThan(2 * 1024 * 1024);
    expect((await runInterruptibly(decodeSnapshot(bytes, FILE))).state.records).to.have.property(
      'size',
      5_000,
    );
    const stop = new AbortController();
    setImmediate(() => stop.abort(new Error('stopped by SIGTERM')));
    const ended = await runInterruptibly(decodeSnapshot(bytes, FILE), stop.signal).catch(
      (cause: unknown) => cause,
    );
    expect(ended).to.equal(stop.signal.reason);
  });

  it('refuses a duplicate key at the top level', () => {
    const text = encode(sample()).replace('"serial": 7', '"serial": 7, "serial": 8');
    expect(refusal(text).diagnostics[0]?.summary).to.equal('the state has a key twice');
  });

  it('refuses deep nesting without a stack overflow', () => {
    expect(refusal('['.repeat(200_000)).diagnostics[0]?.code).to.equal('state-damaged');
  });
});

describe('the history chain', () => {
  const state = sample();
  const chain = extendChain(state, []);

  it('is valid for every prefix, and grows without changing stored entries', () => {
    expect(runSync(findBreaks(state, chain))).to.deep.equal([]);
    for (let length = 0; length <= chain.length; length++)
      expect(extendChain(state, chain.slice(0, length))).to.deep.equal(chain);
  });

  it('is valid after a store sorted the keys', () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).to.equal('{"a":null,"b":[{"c":2,"d":1}]}');
  });

  it('shows where an entry was edited, removed or exchanged', () => {
    const edited = state.history.map((e, i) => (i === 2 ? { ...e, at: '2026-11-23T23:00:00.000Z' } : e));
    expect(runSync(findBreaks({ ...state, history: edited }, chain))).to.deep.equal([{ index: 2 }]);
    const without = <T>(list: readonly T[]) => list.filter((_, i) => i !== 1);
    expect(runSync(findBreaks({ ...state, history: without(state.history) }, without(chain)))).to.deep.equal([
      { index: 1 },
    ]);
    expect(runSync(findBreaks({ ...state, lineage: 'line-2' }, chain))).to.deep.equal([{ index: 0 }]);
  });

  it('does not recompute a stored hash', () => {
    const forged = decode(encode(state).replace('"who":"ada@bench"', '"who":"eve@bench"'));
    const again = decode(encodeSnapshot({ ...forged, chain: extendChain(forged.state, forged.chain) }));
    expect(runSync(findBreaks(again.state, again.chain))).to.deep.equal([{ index: 0 }]);
  });
});
