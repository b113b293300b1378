import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { runSync } from '../../src/domain/chunked-work.ts';
import { type Emulator, startEmulator } from '../../src/emulator/index.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from '../../src/state/codec.ts';
import { extendChain } from '../../src/state/history-chain.ts';
import { type Finished, startProgram } from '../e2e/program.ts';
import { CRASH, expectNoLookalike, expectQuotedOnly, LOOKALIKE, printed, Sandbox } from './sandbox.ts';

/**
 * A state in a file that somebody else than vbsctl changed: edited, cut, put back to an older copy, or replaced. No
 * command that relies on it goes on, and each refusal says what is wrong and how to go on.
 */
describe('a state file that was tampered with', () => {
  const STATE = 'vbsctl.state.json';
  let sandbox: Sandbox;
  let cloud: Emulator;
  let sound: string;

  beforeEach(async () => {
    cloud = await startEmulator({ seed: { volumes: 4, jobDurationMs: 100, queueMs: 10 } });
    sandbox = new Sandbox();
    sandbox.write(
      'vbsctl.yaml',
      'apiVersion: vbsctl.dev/v1\nkind: Config\nretry: {settle: 1s, min_delay: 50ms}\npoll: {min_interval: 50ms, max_interval: 200ms}\n',
    );
    declare(2);
    await ok('apply', '--init-state', '--auto-approve');
    sound = read();
  });
  afterEach(async () => {
    sandbox.close();
    await cloud.close();
  });

  const run = (...args: string[]): Promise<Finished> => sandbox.run(env(), ...args);
  /** The config named: it sets what one that was found may not. */
  const env = () => ({ ...cloud.env(), VBSCTL_CONFIG: 'vbsctl.yaml' });
  const read = () => readFileSync(join(sandbox.cwd, STATE), 'utf8');
  const write = (text: string) => writeFileSync(join(sandbox.cwd, STATE), text);
  const said = (finished: Finished) => printed(finished).replace(/\s+/g, ' ');
  const starts = () =>
    cloud.audit().volumes.reduce((sum, { restores_accepted }) => sum + restores_accepted, 0);

  async function ok(...args: string[]): Promise<string> {
    const finished = await run(...args);
    expect(finished.code, said(finished)).to.equal(0);
    return said(finished);
  }

  /** `nth`: which backup of each disk. */
  function declare(count: number, nth = 0): void {
    const { volumes, backups } = cloud.world();
    const entries = Object.values(volumes)
      .slice(0, count)
      .map((volume, n) => {
        const backup = Object.values(backups).filter(({ volume_id }) => volume_id === volume.id)[nth];
        return `    - {name: disk-${n}, volume_id: ${volume.id}, backup_id: ${backup?.id}}`;
      });
    sandbox.write(
      'restores.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: night}\nspec:\n  restores:\n${entries.join('\n')}\n`,
    );
  }

  /** A file of its own, other.yaml, for the disk with this number. */
  function declareOther(n: number): void {
    const { volumes, backups } = cloud.world();
    const volume = Object.values(volumes)[n];
    const backup = Object.values(backups).find(({ volume_id }) => volume_id === volume?.id);
    sandbox.write(
      'other.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: other}\nspec:\n  restores:\n    - {name: disk, volume_id: ${volume?.id}, backup_id: ${backup?.id}}\n`,
    );
  }

  /** The state as it was, without what was added since. */
  function putBack(text: string): void {
    for (const name of readdirSync(sandbox.cwd))
      if (name.startsWith(`${STATE}.`)) rmSync(join(sandbox.cwd, name));
    write(text);
  }

  /** What this machine has seen of the lineage; -1 if nothing. */
  function knownSerial(): number {
    const folder = join(sandbox.home, '.local', 'state', 'vbsctl', 'known-states');
    const names = existsSync(folder) ? readdirSync(folder) : [];
    const name = names.find((each) => /^lineage-\w+\.json$/.test(each));
    return name === undefined ? -1 : JSON.parse(readFileSync(join(folder, name), 'utf8')).serial;
  }

  /** Ends `apply` once a restore is accepted and this machine has remembered it. */
  async function applyUntilKilled(): Promise<void> {
    const child = startProgram(['apply', '--auto-approve'], sandbox.cwd, { HOME: sandbox.home, ...env() });
    while (!(knownSerial() > JSON.parse(sound).serial)) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await child.done;
  }

  /** As an editor without a notion of hashes. */
  function edit(change: (state: Loose) => void): void {
    const state = JSON.parse(read());
    change(state);
    write(JSON.stringify(state, undefined, 2));
  }

  /** As somebody who knows the format, and computes every hash again. */
  function forge(change: (state: Loose) => void): void {
    edit(change);
    const { state } = runSync(decodeSnapshot(readFileSync(join(sandbox.cwd, STATE)), STATE));
    write(encodeSnapshot({ state, chain: extendChain(state, []) }));
  }

  /** Exit 5, nothing started, nothing written. */
  async function refuses(args: readonly string[], why: RegExp): Promise<void> {
    const before = [starts(), read()];
    const finished = await run(...args);
    expect(finished.code, `${args.join(' ')}: ${said(finished)}`).to.equal(5);
    expect(said(finished)).to.match(why).and.not.match(CRASH);
    expect(said(finished)).to.match(/vbsctl state accept --state vbsctl\.state\.json --reason/);
    expect([starts(), read()]).to.deep.equal(before);
  }

  it('is refused by every command that relies on it if an entry and its record were removed', async () => {
    edit((state) => {
      const [gone] = state.history.splice(0, 1);
      state.records = state.records.filter(({ address }) => address !== gone?.address);
    });
    const why = /history was changed from entry 1 of 3 on: .*could restore a disk a second time/;
    for (const args of [
      ['plan'],
      ['plan', '--offline'],
      ['apply', '--auto-approve'],
      ['wait'],
      ['status'],
      ['resolve', 'night/disk-0', '--as', 'not-started', '--reason', 'x'],
      ['import', 'night/disk-0', '--succeeded-at', '2026-11-23T22:00:00Z', '--reason', 'x'],
      ['state', 'mv', 'night/disk-1', 'night/other'],
      ['state', 'mv', 'night/disk-1', 'night/other', '--dry-run'],
      ['state', 'rm', 'night/disk-1'],
      ['state', 'migrate', '--to', 'elsewhere.json'],
      ['state', 'migrate', '--to', 'elsewhere.json', '--dry-run'],
    ])
      await refuses(args, why);
    expect(existsSync(join(sandbox.cwd, 'elsewhere.json'))).to.equal(false);

    // What looks after the state itself still works, and warns.
    const left = JSON.parse(read()).records[0].address;
    for (const args of [
      ['state', 'list'],
      ['state', 'show', left],
      ['state', 'history'],
      ['state', 'pull'],
    ])
      expect(await ok(...args), args.join(' ')).to.include('history was changed');
    expect((await run('state', 'verify')).code).to.equal(1);
  });

  it('is refused with both serials if an older copy was put back', async () => {
    declare(3);
    await ok('apply', '--auto-approve');
    const newer = read();
    write(sound);
    const [low, high] = [JSON.parse(sound).serial, JSON.parse(newer).serial];
    for (const args of [['plan'], ['apply', '--auto-approve'], ['status'], ['wait']])
      await refuses(args, new RegExp(`older .*it has serial ${low}, and serial ${high} was used before`));
    // A verify that says "sound" would be a lie.
    const verified = await run('state', 'verify');
    expect(verified.code).to.equal(1);
    expect(said(verified)).to.not.include('Valid:');
    write(newer);
    expect(await ok('apply', '--auto-approve')).to.include('Nothing to do');
    expect(starts()).to.equal(3);
  });

  it('an older copy whose serial was raised is refused, unless somebody pushed it', async () => {
    declare(3);
    await ok('apply', '--auto-approve');
    const [low, high] = [JSON.parse(sound).serial, JSON.parse(read()).serial];
    const raised = JSON.stringify({ ...JSON.parse(sound), serial: high + 10 });
    write(raised);
    for (const args of [
      ['plan'],
      ['apply', '--auto-approve'],
      ['apply', '--auto-approve', '--minimum-serial', `${high}`],
    ])
      await refuses(
        args,
        new RegExp(`serial ${high + 10}, but its history does not continue that of serial ${high}`),
      );
    expect((await run('state', 'verify')).code).to.equal(1);
    expect(starts()).to.equal(3);
    // Another machine, which has seen nothing, puts the older copy back on purpose. This one accepts what it is told.
    const elsewhere = {
      ...cloud.env(),
      VBSCTL_CONFIG: 'vbsctl.yaml',
      XDG_STATE_HOME: join(sandbox.home, 'other'),
    };
    const copy = sandbox.write('older.json', sound);
    const pushed = await sandbox.run(elsewhere, 'state', 'push', copy, '--allow-older-serial');
    expect(pushed.code, said(pushed)).to.equal(0);
    expect(JSON.parse(read()).serial).to.be.above(high).and.above(low);
    await ok('plan');
  });

  it('a copy that is older than this machine has seen is not pushed without its option', async () => {
    declare(3);
    await ok('apply', '--auto-approve');
    const newer = sandbox.write('newer.json', read());
    const older = sandbox.write('older.json', sound);
    const [low, high] = [JSON.parse(sound).serial, JSON.parse(read()).serial];
    const refusesPush = async (...args: string[]) => {
      for (const dry of [['--dry-run'], []]) {
        const finished = await run('state', 'push', ...args, ...dry);
        expect(finished.code, said(finished)).to.equal(5);
        expect(said(finished)).to.match(
          new RegExp(`has serial ${low}, and serial ${high} was used before.*--allow-older-serial`),
        );
      }
    };
    rmSync(join(sandbox.cwd, STATE)); // lost
    await refusesPush(older);
    await ok('state', 'push', newer);
    expect(await ok('apply', '--auto-approve')).to.include('Nothing to do');
    expect(starts()).to.equal(3);

    rmSync(join(sandbox.cwd, STATE));
    await ok('state', 'push', older, '--allow-older-serial');
    const [entry] = JSON.parse((await run('state', 'history', '-o', 'json')).stdout).entries.slice(-1);
    expect(entry.pushed.allowed).to.deep.equal(['older-serial']);
    expect(entry.pushed.over.serial).to.be.at.least(high);
    const another = await ok('state', 'pull');
    rmSync(join(sandbox.cwd, STATE));
    const stranger = sandbox.write(
      'stranger.json',
      another.replaceAll(JSON.parse(another).lineage, 'stranger'),
    );
    const refused = await run('state', 'push', stranger);
    expect(refused.code).to.equal(5);
  });

  for (const end of ['is still under way', 'was ended by SIGKILL'] as const)
    it(`an older copy that another machine raised is refused after a run that ${end}`, async () => {
      declare(3);
      if (end === 'was ended by SIGKILL') await applyUntilKilled();
      else expect((await run('apply', '--auto-approve', '--no-wait')).code).to.equal(6);
      const high = JSON.parse(await ok('state', 'pull')).serial;
      putBack(sound);
      declareOther(3);
      const elsewhere = { ...env(), XDG_STATE_HOME: join(sandbox.home, 'other') };
      const raised = await sandbox.run(elsewhere, 'apply', '-f', 'other.yaml', '--auto-approve');
      expect(raised.code, said(raised)).to.equal(0);
      expect(JSON.parse(read()).serial).to.be.at.least(high);
      for (const args of [['plan'], ['apply', '--auto-approve'], ['status'], ['wait']])
        await refuses(args, /its history does not continue that of serial/);
      expect((await run('state', 'verify')).code).to.equal(1);
      expect(starts()).to.equal(4);
    });

  it('an older copy with a raised serial that somebody accepted is taken by other machines, too', async () => {
    declare(3);
    await ok('apply', '--auto-approve');
    const other = { ...env(), XDG_STATE_HOME: join(sandbox.home, 'other') };
    expect((await sandbox.run(other, 'plan')).code).to.equal(0);
    write(JSON.stringify({ ...JSON.parse(sound), serial: JSON.parse(read()).serial + 10 }));
    expect((await sandbox.run(other, 'plan')).code).to.equal(5);
    await ok('state', 'accept', '--reason', 'the newer one is lost', '--auto-approve');
    const taken = await sandbox.run(other, 'plan');
    expect(taken.code, said(taken)).to.equal(0);
  });

  /** Of the same lineage, with nothing in it. */
  const forged = () =>
    JSON.stringify({ ...JSON.parse(sound), serial: 4_000_000_000_000_000, records: [], history: [] });

  it('is not older because a copy elsewhere was only read', async () => {
    const copy = sandbox.write(`pull-request/${STATE}`, forged());
    for (const command of ['status', 'status', 'plan']) {
      const refused = await run(command, '--state', copy);
      expect(refused.code, said(refused)).to.equal(5);
      expect(said(refused)).to.include('its history does not continue that of serial');
    }
    expect(await ok('status')).to.not.include('older');
    expect(await ok('apply', '--auto-approve')).to.include('Nothing to do');
    expect(starts()).to.equal(2);
  });

  it('is not older because a copy was read before the first use', async () => {
    const env = { ...cloud.env(), VBSCTL_CONFIG: 'vbsctl.yaml', XDG_STATE_HOME: join(sandbox.home, 'new') };
    const copy = sandbox.write(`pull-request/${STATE}`, forged());
    expect((await sandbox.run(env, 'status', '--state', copy)).code).to.equal(0);
    const applied = await sandbox.run(env, 'apply', '--auto-approve');
    expect(said(applied)).to.include('Nothing to do');
  });

  it('is refused if it is older than the one read at its location', async () => {
    declare(3);
    const elsewhere = {
      ...cloud.env(),
      VBSCTL_CONFIG: 'vbsctl.yaml',
      XDG_STATE_HOME: join(sandbox.home, 'b'),
    };
    expect((await sandbox.run(elsewhere, 'apply', '--auto-approve')).code).to.equal(0);
    await ok('status');
    write(sound);
    await refuses(['status'], /older .*was used before/);
    // Also a copy of it anywhere else.
    const copy = sandbox.write(`copy/${STATE}`, sound);
    const looked = await run('status', '--state', copy);
    expect(looked.code).to.equal(5);
    expect(said(looked)).to.match(/older .*was used before/);
  });

  const tampering: Readonly<Record<string, readonly [() => void, RegExp]>> = {
    'history reordered': [
      () => edit(({ history }) => history.reverse()),
      /history was changed from entry 1 of 4/,
    ],
    'an entry edited': [
      () => edit(({ history }) => Object.assign(history[1] ?? {}, { at: '2020-01-01T00:00:00.000Z' })),
      /history was changed from entry 2 of 4/,
    ],
    'who did it edited': [
      () => edit(({ history }) => Object.assign(history[0]?.actor ?? {}, { who: 'eve@host' })),
      /history was changed from entry 1 of 4/,
    ],
    'an entry appended with a made-up hash': [
      () => edit(({ history }) => history.push({ ...history[1], hash: 'a'.repeat(64) } as Entry)),
      /history was changed from entry 5 of 5/,
    ],
    'a record taken out': [
      () => edit(({ records }) => records.splice(1)),
      /records of the state contradict its history.*no entry that removed it/,
    ],
    'a record edited': [
      () =>
        edit(({ records }) => Object.assign(records[0] ?? {}, { updated_at: '2020-01-01T00:00:00.000Z' })),
      /records of the state contradict its history/,
    ],
    'a record of another volume': [
      () => edit(({ records }) => Object.assign(records[0] ?? {}, { volume_id: 'another' })),
      /records of the state contradict its history/,
    ],
    'a record made up': [
      () =>
        edit(({ records }) =>
          records.push({ ...records[0], address: 'night/made-up' } as Loose['records'][0]),
        ),
      /night\/made-up.*and the history has no entry for it/,
    ],
    'an entry edited, all hashes computed again': [
      () => forge(({ history }) => Object.assign(history[1] ?? {}, { at: '2020-01-01T00:00:00.000Z' })),
      /still has serial \d+, but its content differs from that of its last use/,
    ],
    'the end of the history cut, with its record': [
      () =>
        forge((state) => {
          const gone = state.history.pop();
          state.records = state.records.filter(({ address }) => address !== gone?.record?.address);
        }),
      /but its content differs/,
    ],
    'history and records emptied': [
      () => forge((state) => Object.assign(state, { history: [], records: [] })),
      /but its content differs/,
    ],
    'an appended entry with its record, all hashes computed again': [
      () =>
        forge(({ history, records }) => {
          const record = { ...records[0], address: 'night/made-up' } as Loose['records'][0];
          records.push(record);
          history.push({ ...history.at(-1), record } as Entry);
        }),
      /but its content differs/,
    ],
    'the target edited': [
      () => edit((state) => Object.assign(state.target, { project_id: 'another' })),
      /but its content differs/,
    ],
    'the serial lowered': [
      () =>
        edit((state) => {
          state.serial = 1;
        }),
      /has serial 1, and its history has serial \d+.*older than the one used before/,
    ],
    'the serial lowered, all hashes computed again': [
      () =>
        forge((state) => {
          state.serial -= 1;
          for (const entry of state.history) entry.serial = 1;
        }),
      /older than the one used before/,
    ],
    'the lineage edited': [
      () => edit((state) => Object.assign(state, { lineage: 'another' })),
      /history was changed from entry 1.*another state was here before/,
    ],
  };
  for (const [name, [tamper, why]] of Object.entries(tampering))
    it(`is refused: ${name}`, async () => {
      tamper();
      await refuses(['apply', '--auto-approve'], why);
      await refuses(['plan'], why);
    });

  it('is refused if a running restore was removed', async () => {
    await cloud.setFaults({
      rules: [
        {
          match: { route: 'job' },
          times: 'always',
          effect: { kind: 'status', when: 'before', status: 503, body: 'gateway' },
        },
      ],
    });
    declare(3);
    const begun = await run('apply', '--auto-approve', '--no-wait');
    expect(begun.code, said(begun)).to.equal(6);
    await cloud.setFaults({ rules: [] });
    edit((state) => {
      state.records = state.records.filter(({ status }) => status !== 'running' && status !== 'intended');
    });
    await refuses(['apply', '--auto-approve'], /but its content differs/);
  });

  it('is refused if the journal of a killed run was cut, edited, replaced or removed', async () => {
    await cloud.close();
    cloud = await startEmulator({ seed: { volumes: 4, jobDurationMs: 600_000, queueMs: 10 } });
    sandbox.close();
    sandbox = new Sandbox();
    sandbox.write(
      'vbsctl.yaml',
      'apiVersion: vbsctl.dev/v1\nkind: Config\npoll: {min_interval: 50ms, max_interval: 200ms}\n',
    );
    declare(1);
    const child = startProgram(['apply', '--init-state', '--auto-approve'], sandbox.cwd, {
      HOME: sandbox.home,
      ...env(),
    });
    const path = join(sandbox.cwd, `${STATE}.journal`);
    const journal = () => (existsSync(path) ? readFileSync(path, 'utf8') : '');
    while (!journal().includes('"running"') || knownSerial() < 3)
      await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await child.done;
    const whole = journal();
    const lines = whole.trimEnd().split('\n');
    expect(lines.length).to.be.greaterThan(2);
    const snapshot = read();
    for (const [what, text, why] of [
      ['its last line cut', `${lines.slice(0, -1).join('\n')}\n`, /older than the one used before/],
      ['taken away', undefined, /older than the one used before/],
      ['edited', whole.replace('"running"', '"succeed"'), /the journal of the state is damaged/],
      [
        'a line in the middle taken out',
        `${lines.toSpliced(1, 1).join('\n')}\n`,
        /the journal of the state is damaged/,
      ],
      ['garbage', 'no journal\n', /the journal of the state is damaged/],
      ['empty', '', /the journal of the state is damaged/],
    ] as const) {
      if (text === undefined) rmSync(path);
      else writeFileSync(path, text);
      for (const args of [['plan'], ['status'], ['apply', '--auto-approve', '--no-wait']]) {
        const finished = await run(...args);
        expect(finished.code, `${what}, ${args[0]}: ${said(finished)}`).to.equal(5);
        expect(said(finished)).to.match(why).and.not.match(CRASH);
      }
      writeFileSync(path, whole);
      write(snapshot);
      expect(starts()).to.equal(1);
    }
    // Serial and history fit, but the record says that its request never left.
    const state = JSON.parse((await run('state', 'pull')).stdout);
    expect(state.serial).to.equal(knownSerial());
    const [{ evidence, started_at, job_id, attempts, ...record }] = state.records;
    const { intended_at, answered_at } = attempts[0];
    const failure = { cause: 'no_connection', message: 'x' };
    const unsent = { intended_at, answered_at, answer: 'not_sent', failure };
    rmSync(path);
    write(JSON.stringify({ ...state, records: [{ ...record, status: 'intended', attempts: [unsent] }] }));
    const edited = await run('apply', '--auto-approve', '--no-wait');
    expect(edited.code, said(edited)).to.equal(5);
    expect(said(edited)).to.match(/but its content differs/);
    writeFileSync(path, whole);
    write(snapshot);
    expect((await run('apply', '--auto-approve', '--no-wait')).code).to.equal(6);
    expect(starts()).to.equal(1);
  });

  it('is refused with a forged journal, whatever key that names', async () => {
    await cloud.setFaults({
      rules: [{ match: { route: 'restore' }, times: 'always', effect: { kind: 'restore_fails' } }],
    });
    declare(3);
    expect((await run('apply', '--auto-approve')).code).to.equal(1);
    await cloud.setFaults({ rules: [] });
    const { lineage, serial, journal_key, records } = JSON.parse(read());
    expect(await ok('state', 'pull')).to.not.include(journal_key);
    // Lineage and serial stand in the log of a pipeline, and so does all that this record needs.
    const at = new Date().toISOString();
    const record = records.find(({ status }: Loose['records'][0]) => status === 'failed');
    const resolution = { as: 'not-started', reason: 'checked', by: 'ann@ops', at };
    const changes = [{ type: 'record', record: { ...record, touched: 'no', updated_at: at, resolution } }];
    const actor = { who: 'ann@ops', operation: 'resolve', version: '0.1.0' };
    const journalWith = (key: object): string => {
      const header = JSON.stringify({ format: 1, lineage, base: serial, ...key });
      const body = JSON.stringify([{ serial: serial + 1, at, actor, changes }]);
      const first = sumOf('', header);
      return `{"sum":"${first}","journal":${header}}\n{"sum":"${sumOf(first, body)}","commits":${body}}\n`;
    };
    const path = `${STATE}.journal`;
    for (const key of [{}, { key: '' }, { key: lineage }, { key: journal_key.toUpperCase() }]) {
      sandbox.write(path, journalWith(key));
      for (const args of [['plan'], ['status'], ['state', 'verify'], ['wait'], ['apply', '--auto-approve']]) {
        const before = [starts(), read()];
        const finished = await run(...args);
        expect(finished.code, `${JSON.stringify(key)} ${args.join(' ')}: ${said(finished)}`).to.equal(5);
        expect(said(finished)).to.include('journal').and.not.match(CRASH).and.not.include(journal_key);
        expect([starts(), read()]).to.deep.equal(before);
      }
    }
    // A copy of the state has no key: no journal fits, until a run has written it again.
    write(encoded(read()));
    expect(read()).to.not.include('journal_key');
    sandbox.write(path, journalWith({ key: 'x' }));
    const refused = await run('apply', '--auto-approve');
    expect(refused.code, said(refused)).to.equal(5);
    expect(said(refused)).to.include('was not written by a run that used');
    sandbox.remove(path);
    await ok('state', 'mv', 'night/disk-0', 'night/moved');
    expect(JSON.parse(read()).journal_key).to.be.a('string').and.not.equal(journal_key);
    expect(starts()).to.equal(3);
  });

  it('gets nothing that starts again from a forged errored.state.json', async () => {
    await cloud.close();
    cloud = await startEmulator({ seed: { volumes: 4, jobDurationMs: 600_000, queueMs: 10 } });
    sandbox.close();
    sandbox = new Sandbox();
    sandbox.write('vbsctl.yaml', 'apiVersion: vbsctl.dev/v1\nkind: Config\n');
    declare(1);
    expect((await run('apply', '--init-state', '--auto-approve', '--no-wait')).code).to.equal(6);
    const before = read();
    const { lineage, serial, target, records } = JSON.parse(before);
    const [{ evidence, started_at, history: _, ...running }] = records;
    const at = new Date().toISOString();
    const ended = { updated_at: at, finished_at: at };
    const failed = { ...running, ...ended, status: 'failed', touched: 'no', reason: 'see ticket' };
    const done = { ...running, ...ended, started_at, status: 'succeeded' };
    const resolution = { as: 'not-started', reason: 'checked', by: 'ann@ops', at };
    const word = { ...resolution, as: 'succeeded' };
    const unsaved = (records: readonly object[]) => {
      const head = {
        format: 1,
        kind: 'unsaved-records',
        state: STATE,
        lineage,
        serial,
        target,
        saved_at: at,
      };
      sandbox.write('errored.state.json', JSON.stringify({ ...head, records }));
    };
    for (const [what, claims] of Object.entries({
      'not touched': [failed],
      'not touched, without its yes': [{ ...failed, attempts: [{ intended_at: at }], job_id: undefined }],
      'not started, as a person says': [{ ...failed, resolution }],
      'done, as a person says': [{ ...done, evidence: 'resolved', resolution: word }],
      'done by another job': [{ ...done, evidence, job_id: 'other' }],
    })) {
      unsaved(claims);
      const pushed = await run('state', 'push', 'errored.state.json');
      expect(pushed.code, `${what}: ${said(pushed)}`).to.equal(1);
      expect(said(pushed)).to.include('night/disk-0 was not merged').and.not.match(CRASH);
      expect(read(), what).to.equal(before);
    }
    // Two for one address: the second would hide the first.
    const begun = { ...running, status: 'intended', job_id: undefined, attempts: [{ intended_at: at }] };
    const twice = [begun, { ...begun, generation: 2 }].map((each) => ({
      ...each,
      address: 'night/new',
      volume_id: 'v',
    }));
    unsaved(twice);
    const pushed = await run('state', 'push', 'errored.state.json', '--dry-run');
    expect(pushed.code, said(pushed)).to.equal(1);
    expect(said(pushed))
      .to.include('another record of the file is for the same address')
      .and.not.match(CRASH);
    expect((await run('apply', '--auto-approve', '--no-wait')).code).to.equal(6);
    expect(starts()).to.equal(1);
  });

  it('makes plan warn and apply refuse if another state is in its place', async () => {
    forge((state) => Object.assign(state, { lineage: 'another', history: [], records: [], serial: 0 }));
    expect(await ok('plan')).to.match(/warning: .*another state was here before.*lineage another, serial 0/);
    await refuses(['apply', '--auto-approve'], /another state was here before/);
    expect(starts()).to.equal(2);
  });

  it('is refused if a failed restore was changed to untouched', async () => {
    await cloud.setFaults({
      rules: [{ match: { route: 'restore' }, times: 'always', effect: { kind: 'restore_fails' } }],
    });
    declare(3);
    expect((await run('apply', '--auto-approve')).code).to.equal(1);
    await cloud.setFaults({ rules: [] });
    const before = read();
    edit(({ records }) => {
      const failed = records.find(({ status }) => status === 'failed');
      Object.assign(failed ?? {}, { touched: 'no' });
    });
    expect(read()).to.not.equal(before);
    rmSync(join(sandbox.home, '.local'), { recursive: true }); // nothing is remembered: the history tells
    await refuses(['apply', '--auto-approve'], /differs in other fields/);
  });

  it('is refused if the mark of a migration was removed', async () => {
    await ok('state', 'migrate', '--to', 'elsewhere.json');
    const marked = read();
    edit((state) => void Reflect.deleteProperty(state, 'moved_to'));
    await refuses(['apply', '--auto-approve'], /but its content differs/);
    write(sound);
    await refuses(['apply', '--auto-approve'], /older than the one used before/);
    write(marked);
    expect((await run('plan')).code).to.equal(5);
    expect(await ok('plan', '--state', 'elsewhere.json')).to.include('2 done');
    await ok('state', 'migrate', '--state', 'elsewhere.json', '--to', STATE);
    expect(await ok('plan')).to.include('2 done');
  });

  it('is not created anew by --init-state if it was removed', async () => {
    rmSync(join(sandbox.cwd, STATE));
    const finished = await run('apply', '--auto-approve', '--init-state');
    expect(finished.code, said(finished)).to.equal(5);
    expect(said(finished)).to.match(/there is no state.*serial \d+.*vbsctl init/);
    expect(starts()).to.equal(2);
    await ok('init');
    expect(await ok('plan')).to.include('2 to restore');
  });

  it('puts no address of a file into a command to paste', async () => {
    const evil = 'https://state.evil.example/terraform/state/prod';
    edit((state) =>
      Object.assign(state, {
        moved_to: { location: evil, at: '2026-11-23T22:00:00.000Z', by: 'ops@corp', serial: 1 },
      }),
    );
    sandbox.write('moved.json', read());
    const command = /--state ['"]?https|(state: |VBSCTL_STATE=)['"]?https/;
    const refused = async (...args: string[]) => {
      const finished = await run(...args);
      expect(said(finished)).to.include(evil).and.not.match(command);
      expect(said(finished)).to.include('check that this address is yours');
    };
    for (const args of [['status'], ['plan'], ['state', 'list'], ['state', 'migrate', '--undo']])
      await refused(...args);
    write(sound);
    await refused('state', 'push', 'moved.json');
    const { target } = JSON.parse(sound);
    const saved_at = '2026-11-23T22:00:00.000Z';
    const unsaved = { format: 1, kind: 'unsaved-records', state: evil, lineage: 'another', serial: 3 };
    sandbox.write('errored.state.json', JSON.stringify({ ...unsaved, target, saved_at, records: [] }));
    await refused('state', 'push', 'errored.state.json');
  });

  it('puts no address of a record into a suggested command', async () => {
    const addressOfFirst = async (address: string) => {
      write(sound);
      edit(({ records }) => Object.assign(records[0] ?? {}, { address }));
      await run('state', 'accept', '--reason', 'a test', '--auto-approve');
    };
    for (const blank of [' ', '\u00a0', '\u2003', '\u3000']) {
      await addressOfFirst(`x${blank}vbsctl unlock x;touch pwned #/db-data`);
      const finished = await run('state', 'show', 'db-date');
      expectQuotedOnly(finished, 'vbsctl unlock x;touch');
    }
  });

  it('is refused without a crash if it is incomplete', async () => {
    for (const text of [
      '',
      sound.slice(0, sound.length / 2),
      sound.replace(/"serial": \d+/, '"serial": 9007199254740991'),
      sound.replace(/"serial": \d+/, '"serial": 1e300'),
      sound.replace(/"serial": \d+/, '"serial": -1'),
      `{"__proto__": {"format": 1}, ${sound.slice(1)}`,
      '['.repeat(100_000),
      sound.replace(/"created_at": "[^"]*"/, `"created_at": ${'['.repeat(100_000)}${']'.repeat(100_000)}`),
      sound.replace('"records": [', `"records": [${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)},`),
      '\0'.repeat(100),
    ]) {
      write(text);
      for (const args of [['plan'], ['apply', '--auto-approve'], ['state', 'verify'], ['state', 'list']]) {
        const finished = await run(...args);
        expect(finished.code, `${args.join(' ')} of ${text.slice(0, 40)}: ${said(finished)}`).to.equal(5);
        expect(said(finished)).to.not.match(CRASH);
      }
    }
    expect(starts()).to.equal(2);
  });

  it('is refused at their position for times that do not exist', async () => {
    for (const time of ['2026-99-99T99:99:99Z', '2026-13-01T00:00:00.000Z', '2026-11-30T24:00:01Z']) {
      for (const key of ['created_at', 'intended_at', 'answered_at', 'finished_at', 'at']) {
        const text = sound.replace(new RegExp(`"${key}": ?"[^"]*"`), `"${key}":"${time}"`);
        expect(text, key).not.to.equal(sound);
        write(text);
        const finished = await run('status');
        expect(finished.code, said(finished)).to.equal(5);
        expect(said(finished))
          .to.match(/expected a time like .*, found "2026/)
          .and.not.match(CRASH);
      }
    }
    for (const args of [['plan'], ['apply', '--auto-approve'], ['wait'], ['state', 'verify']])
      expect((await run(...args)).code).to.equal(5);
    expect(starts()).to.equal(2);
  });

  it('cannot print a line of its own by its target', async () => {
    for (const field of ['region', 'project_id', 'project_name']) {
      const state = JSON.parse(sound);
      write(
        JSON.stringify({ ...state, target: { ...state.target, auth_url: 'http://x', [field]: LOOKALIKE } }),
      );
      for (const args of [['plan'], ['apply', '--auto-approve']]) {
        const finished = await sandbox.run({ ...env(), XDG_STATE_HOME: join(sandbox.home, field) }, ...args);
        expect(finished.code, said(finished)).to.equal(5);
        expectNoLookalike(finished);
      }
    }
  });

  describe('millions of small values', () => {
    /** Parsed, each of these takes several times as much. */
    const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=128' };
    const million = (unit: string, count = 7) => `${`${unit},`.repeat(count * 1_000_000)}${unit}`;
    const keys = () => Array.from({ length: 1_200_000 }, (_, n) => `"${n.toString(36)}":{}`).join(',');
    const files: readonly (readonly [what: string, make: () => string, why: RegExp])[] = [
      [
        'records',
        () => sound.replace('"records": [', `"records": [${million('{}')},`),
        /more than 1000000 values/,
      ],
      [
        'fewer of them',
        () => sound.replace('"records": [', `"records": [${million('{}', 0.9)},`),
        /records\[0\]\.status/,
      ],
      [
        'entries',
        () => sound.replace('"history": [', `"history": [${million('[]')},`),
        /more than 1000000 values/,
      ],
      [
        'in one record',
        () => sound.replace('"records": [', `"records": [[${million('{}')}],`),
        /more than 1000000 values/,
      ],
      [
        'keys of one record',
        () => sound.replace('"records": [', `"records": [{${keys()}},`),
        /more than 1000000 values/,
      ],
      [
        'escapes in a record that is not JSON',
        () => sound.replace('"records": [', `"records": [{"a": "${'\\n'.repeat(15_000_000)}" x},`),
        /is not valid JSON/,
      ],
      [
        'spaces in a record that is not JSON',
        () => sound.replace('"records": [', `"records": [{"a": ${' '.repeat(30_000_000)} x},`),
        /is not valid JSON/,
      ],
      ['keys', () => sound.replace('{', `{${keys()},`), /more than 100 keys/],
      [
        'in a field',
        () => sound.replace('"target": {', `"target": {"x": [${million('0', 9)}],`),
        /more than 1000000 values/,
      ],
      [
        'in a field that there is not',
        () => sound.replace('{', `{"x": [${million('0', 0.9)}],`),
        /more than 25000 values/,
      ],
    ];
    for (const [what, make, why] of files)
      it(`are refused before they are in memory: ${what}`, async () => {
        write(make());
        const finished = await sandbox.run({ ...env(), ...SMALL_HEAP }, 'plan');
        expect(finished.code, said(finished)).to.equal(5);
        expect(said(finished)).to.match(why).and.not.match(CRASH);
        expect(said(finished)).to.match(/state\.json:\d+:\d+: /);
      });

    it('are refused in a journal line before they are in memory', async () => {
      const { lineage, serial } = JSON.parse(sound);
      const header = JSON.stringify({ format: 1, lineage, base: serial, key: 'x' });
      const body = `[${million('{}')}]`;
      sandbox.write(
        `${STATE}.journal`,
        `{"sum":"${sumOf('', header)}","journal":${header}}\n{"sum":"${sumOf(sumOf('', header), body)}","commits":${body}}\n{}\n`,
      );
      const finished = await sandbox.run({ ...env(), ...SMALL_HEAP }, 'plan');
      expect(finished.code, said(finished)).to.equal(5);
      expect(said(finished)).to.include('the journal of the state is damaged').and.not.match(CRASH);
    });

    it('are refused in a pushed file before they are in memory', async () => {
      for (const kind of ['unsaved-records', 'other']) {
        sandbox.write('errored.state.json', `{"format":1,"kind":"${kind}","records":[${million('{}')}]}`);
        const finished = await sandbox.run(
          { ...env(), ...SMALL_HEAP },
          'state',
          'push',
          'errored.state.json',
        );
        expect(finished.code, said(finished)).to.equal(5);
        expect(said(finished)).to.not.match(CRASH);
      }
    });
  });

  it('is accepted only with a reason and consent, which the history records, and not for later edits', async () => {
    edit(({ history }) => Object.assign(history[0] ?? {}, { at: '2020-01-01T00:00:00.000Z' }));
    expect((await run('state', 'accept')).code).to.equal(1);
    expect((await run('state', 'accept', '--reason', ' ')).code).to.equal(1);
    const unasked = await run('state', 'accept', '--reason', 'compared with the audit log');
    expect(unasked.code, said(unasked)).to.equal(5);
    expect(said(unasked)).to.match(/there is no terminal.*--auto-approve/);
    expect(await ok('state', 'accept', '--reason', 'x', '--dry-run')).to.include('history was changed');
    const before = read();
    const accepted = await ok('state', 'accept', '--reason', 'compared with the audit log', '--auto-approve');
    expect(accepted).to.match(/Accepted .* serial \d+.*history was changed from entry 1 of 4/);
    const backup = /previous state: (\S+)/.exec(accepted)?.[1] ?? '';
    expect(readFileSync(join(sandbox.cwd, backup), 'utf8')).to.equal(encoded(before));

    // It verifies again from there, and goes on naming the break.
    expect(await ok('state', 'verify')).to.match(/Valid:.*or accepted/);
    expect(await ok('state', 'verify')).to.match(
      /note: .*from entry 1 on .* accepted at .*: compared with the audit log/,
    );
    const [broken, , , , entry] = JSON.parse((await run('state', 'history', '-o', 'json')).stdout).entries;
    expect(broken).to.include({ chain_break: 'accepted' });
    expect(entry).to.include({
      event: 'state_accepted',
      reason: 'compared with the audit log',
      operation: 'state accept',
    });
    expect(await ok('state', 'history')).to.include('an operator accepted this later');
    expect(await ok('apply', '--auto-approve')).to.include('Nothing to do');
    expect(await ok('state', 'accept', '--reason', 'again')).to.include('Nothing to accept');

    // The same edit once more, or one after it, shows again.
    edit(({ history }) => Object.assign(history[0] ?? {}, { at: '2021-01-01T00:00:00.000Z' }));
    await refuses(['apply', '--auto-approve'], /history was changed from entry 1/);
  });

  it('can be accepted as an older copy, or with records that contradict the history', async () => {
    declare(3);
    await ok('apply', '--auto-approve');
    const high = JSON.parse(read()).serial;
    write(sound);
    edit((state) => void state.records.pop());
    const accepted = await ok('state', 'accept', '--reason', 'the disk of the runner died', '--auto-approve');
    expect(accepted)
      .to.match(/no entry that removed it.*older than the one/)
      .and.include(`serial ${high + 1}`);
    expect(await ok('state', 'verify')).to.include('Valid:');
    expect(
      JSON.parse((await run('state', 'history', '-o', 'json')).stdout).entries.at(-1).accepted,
    ).to.deep.equal({
      over: { lineage: JSON.parse(sound).lineage, serial: high },
      addresses: ['night/disk-1'],
    });
    expect(await ok('plan')).to.include('1 to restore');
  });

  it('keeps accepted records done, also after another restore gets the address', async () => {
    // The history is cut, so only the records tell what was done.
    edit((state) => void state.history.splice(0));
    await ok('state', 'accept', '--reason', 'the records are right', '--auto-approve');
    declare(2, 1);
    await ok('apply', '--auto-approve');
    declare(2);
    expect(await ok('apply', '--auto-approve')).to.include('Nothing to do');
    expect(starts()).to.equal(4);
  });

  it('is repaired by pushing a valid copy', async () => {
    const good = sandbox.write('good.json', sound);
    edit(({ history }) => void history.pop());
    expect(await ok('state', 'push', good, '--allow-older-serial')).to.include(
      'records of the state contradict',
    );
    expect(await ok('apply', '--auto-approve')).to.include('Nothing to do');
    const bad = sandbox.write('bad.json', sound.replace('"apply"', '"other"'));
    const pushed = await run('state', 'push', bad, '--allow-older-serial');
    expect(pushed.code).to.equal(5);
    expect(said(pushed)).to.match(/bad\.json.*history was changed.*state accept --state \S+bad\.json/);
    expect(starts()).to.equal(2);
  });

  it('is refused below --minimum-serial; apply prints the serial', async () => {
    declare(3);
    const serial = Number(/State serial: (\d+)/.exec(await ok('apply', '--auto-approve'))?.[1]);
    expect(serial).to.equal(JSON.parse(read()).serial);
    await ok('plan', '--minimum-serial', String(serial));
    write(sound);
    rmSync(join(sandbox.home, '.local'), { recursive: true });
    for (const args of [
      ['plan'],
      ['apply', '--auto-approve'],
      ['status'],
      ['wait'],
      ['state', 'rm', 'night/disk-0'],
    ]) {
      const finished = await run(...args, '--minimum-serial', String(serial));
      expect(finished.code, `${args.join(' ')}: ${said(finished)}`).to.equal(5);
      expect(said(finished)).to.match(
        new RegExp(`has serial ${JSON.parse(sound).serial}, and ${serial} or higher is required`),
      );
    }
    const inPipeline = await sandbox.run(
      { ...env(), VBSCTL_MINIMUM_SERIAL: String(serial) },
      'apply',
      '--auto-approve',
    );
    expect(inPipeline.code).to.equal(5);
    const below = `and ${serial} or higher is required`;
    for (const [args, code] of [
      [['state', 'list'], 0],
      [['state', 'pull'], 0],
      [['state', 'verify'], 1],
      [['state', 'migrate', '--to', 'elsewhere.json'], 5],
    ] as const) {
      const finished = await sandbox.run({ ...env(), VBSCTL_MINIMUM_SERIAL: String(serial) }, ...args);
      expect(finished.code, said(finished)).to.equal(code);
      expect(finished.stderr.replace(/\s+/g, ' ')).to.include(below);
    }
    rmSync(join(sandbox.cwd, STATE));
    const without = await run('apply', '--auto-approve', '--init-state', '--minimum-serial', String(serial));
    expect(without.code, said(without)).to.equal(5);
    const wrong = await sandbox.run({ ...env(), VBSCTL_MINIMUM_SERIAL: 'newest' }, 'plan');
    expect(wrong.code).to.equal(1);
    expect(said(wrong)).to.include('VBSCTL_MINIMUM_SERIAL must be a whole number, or SERIAL:HASH');
    expect(starts()).to.equal(3);
  });

  it('is refused on a fresh machine if it lacks the entry that apply printed, whatever its serial is', async () => {
    declare(3);
    const said = await ok('apply', '--auto-approve');
    const minimum = /--minimum-serial ([0-9]+:[0-9a-f]{16})\)/.exec(said)?.[1] ?? '';
    const { serial, history } = JSON.parse(read());
    expect(minimum).to.equal(`${serial}:${history.at(-1).hash.slice(0, 16)}`);
    const fresh = () => rmSync(join(sandbox.home, '.local'), { recursive: true, force: true });
    fresh();
    expect(await ok('apply', '--auto-approve', '--minimum-serial', minimum)).to.include('Nothing to do');
    fresh();
    write(JSON.stringify({ ...JSON.parse(sound), serial: serial + 5 }));
    for (const args of [['plan'], ['apply', '--auto-approve'], ['status'], ['wait']]) {
      const refused = await run(...args, '--minimum-serial', minimum);
      expect(refused.code, printed(refused)).to.equal(5);
      expect(printed(refused).replace(/\s+/g, ' ')).to.include(
        `the state has serial ${serial + 5}, but not the entry ${minimum.split(':')[1]} that its history had at serial ${serial}`,
      );
    }
    for (const args of [
      ['state', 'accept', '--reason', 'x', '--auto-approve'],
      ['state', 'push', sandbox.write('older.json', sound), '--allow-older-serial'],
    ]) {
      const refused = await run(...args, '--minimum-serial', minimum);
      expect(refused.code, printed(refused)).to.equal(5);
      expect(printed(refused)).to.include('--minimum-serial or VBSCTL_MINIMUM_SERIAL');
    }
    for (const wrong of ['7:', '7:zz', '7:1234', ':0123456789abcdef', '-1']) {
      const finished = await run('plan', '--minimum-serial', wrong);
      expect(finished.code).to.equal(1);
      expect(printed(finished)).to.include('Expected a whole number, or SERIAL:HASH.');
    }
    expect(starts()).to.equal(3);
  });

  it('is remembered in private files of the user, and an unwritable home is no error', async () => {
    const folder = join(sandbox.home, '.local', 'state', 'vbsctl', 'known-states');
    expect(statSync(folder).mode & 0o777).to.equal(0o700);
    expect(readdirSync(folder)).to.have.length(2);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).to.equal(0o600);
    writeFileSync(join(folder, readdirSync(folder)[0] ?? ''), 'garbage');
    await ok('plan');
    rmSync(join(sandbox.home, '.local'), { recursive: true });
    writeFileSync(join(sandbox.home, '.local'), 'no directory');
    declare(3);
    const finished = await run('apply', '--auto-approve');
    expect(finished.code).to.equal(0);
    expect(finished.stderr).to.equal('');
    rmSync(join(sandbox.home, '.local'));
    const elsewhere = join(sandbox.home, 'xdg');
    mkdirSync(elsewhere, { mode: 0o500 });
    chmodSync(elsewhere, 0o500);
    const readOnly = await sandbox.run({ ...env(), XDG_STATE_HOME: elsewhere }, 'plan');
    expect(readOnly.code).to.equal(0);
    const missing = await sandbox.run({ ...env(), HOME: '/dev/null/home' }, 'plan');
    expect(missing.code).to.equal(0);
  });

  it('is not a rollback for one of two concurrent runs', async () => {
    declare(4);
    const runs = [run('apply', '--auto-approve', '--lock-timeout', '60s')];
    for (let n = 0; n < 6; n++) runs.push(run('plan'), run('status'));
    for (const finished of await Promise.all(runs)) expect(finished.code, said(finished)).to.equal(0);
  });

  function encoded(text: string): string {
    const snapshot: Snapshot = runSync(decodeSnapshot(Buffer.from(text), STATE));
    return encodeSnapshot(snapshot);
  }
});

/** Of a line of the journal. */
function sumOf(previous: string, body: string): string {
  return createHash('sha256').update(previous).update(body).digest('hex');
}

/** A state as an attacker sees it. */
interface Loose {
  serial: number;
  target: object;
  records: { address: string; status: string }[];
  history: Entry[];
}

interface Entry {
  serial: number;
  actor: object;
  address?: string;
  record?: { address: string };
}
