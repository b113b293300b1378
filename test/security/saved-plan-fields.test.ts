import { expect } from 'chai';
import type { CloudProject } from '../../src/domain/cloud-project.ts';
import type { FieldChange } from '../../src/domain/plan.ts';
import type { RestoreRecord } from '../../src/domain/record.ts';
import {
  type PlannedRecord,
  type Renamed,
  recordAddresses,
  recordVersion,
  type SavedBackup,
  type SavedBlocked,
  type SavedExpired,
  type SavedNoop,
  type SavedNotice,
  type SavedPlan,
  type SavedRestore,
  type SavedResume,
  type SavedVolume,
  type StateRef,
} from '../../src/domain/saved-plan.ts';
import type { RestoreSpec } from '../../src/domain/spec.ts';
import { type Finished, Workspace } from '../e2e/workspace.ts';
import { type Edits, forged, sha256 } from '../planner/forging.ts';

/**
 * Each field of a saved plan, and what comes of it when whoever can write the file forges it. The types keep the tables
 * complete: a new field does not compile before it has a row.
 */
type Fate =
  /** `apply` derives it again and refuses the plan. `also`: other fields of the same object. */
  | { readonly refused: string; readonly to: unknown; readonly also?: Edits }
  /** It decides what is done, as in a manifest; `show` and `apply` show it. */
  | { readonly shown: string; readonly to: unknown; readonly also?: Edits }
  /** It is not done then, and neither `show` nor `apply` says so. */
  | { readonly unshown: string; readonly to: unknown }
  /** Only the file says it, and `show` marks it as that; `apply` repeats it at most as that. */
  | { readonly saidByFile: string; readonly to: unknown }
  /** `show` does not show it. It adds limits, or it is what the policy checks of a manifest. */
  | { readonly unseen: unknown }
  /** Another table has its fields. */
  | 'below';

type Table<T> = { readonly [Field in keyof T]-?: Fate };

const NOT_VALID = 'not a valid plan';
const OTHER_ID = '00000000-0000-4000-8000-000000000000';

const PLAN: Table<SavedPlan> = {
  apiVersion: { refused: NOT_VALID, to: 'vbsctl.dev/v2' },
  kind: { refused: 'not a saved plan', to: 'Plan' },
  digest: { refused: 'its digest does not match', to: 'd'.repeat(64) },
  signature: { shown: 'signed with key 00000000', to: { key: '0'.repeat(64), value: `${'A'.repeat(86)}==` } },
  created_at: { saidByFile: '(2021-01-01T00:00:00Z)', to: '2021-01-01T00:00:00.000Z' },
  tool_version: { refused: 'was made by vbsctl 9.9.9', to: '9.9.9' },
  target: 'below',
  state: 'below',
  manifests: { saidByFile: 'from other.yaml', to: [{ path: 'other.yaml', sha256: '0'.repeat(64) }] },
  selection: { unseen: ['other'] },
  policy: { unseen: { protected_volumes: [] } },
  waivers: { saidByFile: 'with “--allow-old-backups”; apply checks', to: ['old-backups'] },
  actions: 'below',
  renamed: { unshown: 'Also renamed', to: [] },
  left_out: { saidByFile: 'without 7 other declared restores', to: 7 },
  records: 'below',
  notices: 'below',
};

const TARGET: Table<CloudProject> = {
  auth_url: { refused: 'a different cloud project', to: 'http://test@127.0.0.1/v3' },
  region: { refused: 'a different cloud project', to: 'test' },
  project_id: { refused: 'a different cloud project', to: 'test' },
  project_name: { refused: 'a different cloud project', to: 'test' },
};

const STATE: Table<StateRef> = {
  lineage: { refused: 'has lineage', to: 'test' },
  // A lower one only makes more changes count against the plan.
  serial: { refused: 'is at serial', to: 1_000 },
};

const RECORD: Table<PlannedRecord> = {
  address: { refused: NOT_VALID, to: 'night/other' },
  sha256: { refused: 'has changed since', to: '0'.repeat(64) },
};

const QUOTED = 'Notes of the run that made the plan';
const NOTICE: Table<SavedNotice> = {
  severity: { unseen: 'note' },
  code: { saidByFile: QUOTED, to: 'harmless' },
  summary: { saidByFile: QUOTED, to: 'harmless' },
  address: { saidByFile: QUOTED, to: 'night/b' },
};

const VOLUME: Table<SavedVolume> = {
  id: { refused: NOT_VALID, to: OTHER_ID },
  name: { refused: 'not scratch', to: 'scratch' },
  size: { refused: 'not 1 GB', to: 1 },
};

const BACKUP: Table<SavedBackup> = {
  id: { refused: NOT_VALID, to: OTHER_ID },
  name: { refused: 'not fresh', to: 'fresh' },
  size: { refused: 'not 1 GB', to: 1 },
  created_at: { refused: 'was created at', to: '2026-01-01T00:00:00Z' },
  of_volume_id: { refused: 'is of disk', to: OTHER_ID },
};

/** A restore that is done again and lifts a protection. */
const AGAIN: Table<SavedRestore> = {
  kind: {
    refused: 'has nothing under way there',
    to: 'resume',
    also: { again: undefined, changes: undefined },
  },
  declared: 'below',
  volume: 'below',
  backup: 'below',
  was: { refused: 'the state has no such record to rename', to: 'night/plain' },
  again: { refused: 'it restores again and changes generation, protect', to: false },
  changes: { refused: 'it restores again and changes generation, protect', to: [] },
};

const CHANGE: Table<FieldChange> = {
  field: { refused: 'it restores again and changes generation, protect', to: 'last outcome' },
  before: { refused: 'it restores again and changes generation, protect', to: '0' },
  after: { refused: 'it restores again and changes generation, protect', to: '3' },
};

/** What a restore is declared as. The writer of an unsigned file chooses it, as one of a manifest does. */
const DECLARED: Table<RestoreSpec> = {
  address: { refused: NOT_VALID, to: 'night/other' },
  set: { refused: NOT_VALID, to: 'other' },
  name: { refused: NOT_VALID, to: 'other' },
  labels: { unseen: { ticket: 'CHG-1' } },
  volume: { refused: NOT_VALID, to: { by: 'name', name: 'scratch' } },
  backup: {
    refused: 'its rule does not pick backup',
    to: { by: 'selector', selector: { as_of: '2000-01-01T00:00:00Z' } },
  },
  generation: { refused: 'it restores again and changes generation, protect', to: 3 },
  // To leave it out is not seen (`policy.require_expect` is about manifests).
  expect: { refused: 'expected size', to: { size: 99_999 } },
  depends_on: { shown: 'after: night/b', to: ['night/b'] },
  timeout_ms: { unseen: 60_000 },
  valid_until: { shown: 'expires: in', to: '2999-01-01T00:00:00.000Z' },
  valid_until_source: { unseen: { file: 'other.yaml', line: 1 } },
  protect: { refused: 'was restored into this disk', to: true },
  source: { saidByFile: 'declared: other.yaml:7', to: { file: 'other.yaml', line: 7 } },
};

const NOOP: Table<SavedNoop> = {
  kind: {
    refused: 'it was done at',
    to: 'restore',
    also: {
      again: false,
      changes: [],
      done_at: undefined,
      records_selector: undefined,
      records_protect: undefined,
    },
  },
  declared: 'below',
  volume: { refused: NOT_VALID, to: { id: OTHER_ID } },
  backup: { refused: 'no such record to rename', to: { id: OTHER_ID } },
  was: { refused: 'does not show that rename', to: undefined },
  done_at: { refused: 'as the plan shows', to: '2020-01-01T00:00:00.000Z' },
  // Without it, the rule is not recorded, and show does not say that it is.
  records_selector: { unshown: 'its new rule', to: undefined },
  records_protect: { refused: 'and the plan does not show that', to: undefined },
};

const BLOCKED: Table<SavedBlocked> = {
  kind: { refused: NOT_VALID, to: 'noop', also: { reasons: undefined, done_at: '2020-01-01T00:00:00.000Z' } },
  declared: 'below',
  reasons: { shown: 'the plan has it as blocked (harmless)', to: ['harmless'] },
};

const EXPIRED: Table<SavedExpired> = {
  // It does not run either way.
  kind: { shown: 'the plan has it as blocked (harmless)', to: 'blocked', also: { reasons: ['harmless'] } },
  declared: 'below',
};

const RENAMED: Table<Renamed> = {
  declared: 'below',
  volume_id: { refused: NOT_VALID, to: OTHER_ID },
  backup_id: { refused: NOT_VALID, to: OTHER_ID },
  was: { refused: 'to rename', to: 'night/plain' },
};

const RESUME: Table<SavedResume> = {
  kind: {
    refused: 'it was started without this plan since',
    to: 'restore',
    also: { again: false, changes: [] },
  },
  declared: 'below',
  volume: 'below',
  backup: 'below',
  was: { refused: 'to rename', to: 'night/done' },
};

describe('forged fields of a saved plan', () => {
  let workspace: Workspace;
  const said = ({ stdout, stderr }: Finished) => (stdout + stderr).replace(/\s+/g, ' ');
  const run = async (code: number, ...args: string[]) => {
    const finished = await workspace.run(...args);
    expect(finished.code, said(finished)).to.equal(code);
    return said(finished);
  };
  const ids = (n: number) => {
    const { volumes, backups } = workspace.cloud.world();
    const volume = Object.values(volumes)[n];
    const backup = Object.values(backups).find(({ volume_id }) => volume_id === volume?.id);
    if (!volume || !backup) throw new Error(`the cloud has no disk ${n}`);
    return { volume, backup };
  };
  const entry = (name: string, n: number, more = '', rule = false) => {
    const { volume, backup } = ids(n);
    const what = rule
      ? `backup: {as_of: "${new Date(backup.created_ms).toISOString()}"}`
      : `backup_id: ${backup.id}`;
    return `    - {name: ${name}, volume_id: ${volume.id}, ${what}${more}}\n`;
  };
  const declare = (set: string, head: string, ...entries: string[]) =>
    workspace.write(
      `${set}.yaml`,
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: ${set}}\nspec:\n${head}  restores:\n${entries.join('')}`,
    );

  /** The plan with a field forged, the list of records and the digest made to fit. */
  function forge(genuine: string, path: string, field: string, to: unknown, also: Edits = {}): string {
    const prefix = path === '' ? '' : `${path}.`;
    const edits = Object.fromEntries(
      Object.entries({ [field]: to, ...also }).map(([key, value]) => [prefix + key, value]),
    );
    const edited = JSON.parse(forged(genuine, edits));
    if (field === 'digest') return JSON.stringify({ ...edited, digest: to });
    if (path.startsWith('records') || !Array.isArray(edited.actions)) return JSON.stringify(edited);
    const { records } = JSON.parse(workspace.read('vbsctl.state.json'));
    const versions = recordAddresses(edited).map((address) => {
      const record = records.find((one: RestoreRecord) => one.address === address);
      return record ? { address, sha256: recordVersion(record, sha256) } : { address };
    });
    return forged(JSON.stringify(edited), { records: versions });
  }

  /** Without the digest and what a second changes. */
  const shownOf = (text: string) => text.replace(/digest [0-9a-f]{64}|just now|\d+s ago/g, '');
  const body = (text: string) => text.slice(text.indexOf('\n\n')).replace(/\s+/g, ' ');

  async function meets(genuine: string, path: string, field: string, fate: Exclude<Fate, 'below'>) {
    workspace.write('plan.json', genuine);
    const before = shownOf((await workspace.run('show', 'plan.json')).stdout);
    const to = 'unseen' in fate ? fate.unseen : fate.to;
    workspace.write('plan.json', forge(genuine, path, field, to, 'also' in fate ? fate.also : {}));
    const show = await workspace.run('show', 'plan.json');
    const apply = await workspace.run('apply', 'plan.json');
    // It has a restore that is blocked, so it starts nothing even if it is genuine.
    expect(apply.code, said(apply)).to.equal(5);
    if ('refused' in fate) {
      expect(said(apply)).to.include(fate.refused).and.not.include('restores are blocked');
      return;
    }
    expect(said(apply)).to.include('restores are blocked');
    expect(show.code, said(show)).to.equal(0);
    if ('unseen' in fate) expect(shownOf(show.stdout)).to.equal(before);
    else if ('unshown' in fate) {
      expect(before.replace(/\s+/g, ' ')).to.include(fate.unshown);
      expect(said(show) + said(apply)).not.to.include(fate.unshown);
    } else if ('shown' in fate) {
      expect(said(show)).to.include(fate.shown);
      expect(said(apply)).to.include(fate.shown);
    } else {
      expect(said(show)).to.include(fate.saidByFile);
      expect(body(apply.stdout)).not.to.include(fate.saidByFile);
    }
  }

  describe('for new, done, blocked, expired and renamed restores', () => {
    let genuine: string;
    let state: string;

    before(async () => {
      workspace = await Workspace.open({ seed: { volumes: 8, jobDurationMs: 100 } });
      await run(0, 'init');
      declare(
        'night',
        '',
        entry('a', 0, ', protect: true'),
        entry('noop', 1),
        entry('old', 2),
        entry('plain', 6),
      );
      await run(0, 'apply', '--auto-approve', '-f', 'night.yaml');
      declare(
        'night',
        '',
        entry('a', 0, ', generation: 2, protect: false'),
        entry('b', 3),
        entry('new', 1, ', protect: true', true),
        entry('c', 4, ', expect: {size: 99999}'),
        entry('old2', 2),
        entry('plain', 6),
      );
      declare('late', '  valid_until: 2020-01-01T00:00:00Z\n', entry('e', 5));
      const targets = ['night/a', 'night/b', 'night/new', 'night/c', 'night/plain', 'late/e'];
      await run(
        0,
        ...['plan', '--out', 'plan.json', '-f', 'night.yaml', '-f', 'late.yaml'],
        ...targets.flatMap((address) => ['--target', address]),
      );
      genuine = workspace.read('plan.json');
      // There is a notice to forge.
      const notice = { severity: 'warning', code: 'a-warning', summary: 'a warning', address: 'night/a' };
      genuine = forged(genuine, { notices: [notice] });
      state = workspace.read('vbsctl.state.json');
    });
    after(() => workspace.close());
    afterEach(() => {
      expect(workspace.starts()).to.deep.equal([1, 1, 1, 1]);
      expect(workspace.read('vbsctl.state.json')).to.equal(state);
    });

    const at = (address: string) => {
      const { actions } = JSON.parse(genuine) as SavedPlan;
      return `actions.${actions.findIndex(({ declared }) => declared.address === address)}`;
    };
    const TABLES: readonly (readonly [
      what: string,
      path: () => string,
      table: Readonly<Record<string, Fate>>,
    ])[] = [
      ['the plan', () => '', PLAN],
      ['its target', () => 'target', TARGET],
      ['its state', () => 'state', STATE],
      ['a record', () => 'records.0', RECORD],
      ['a notice', () => 'notices.0', NOTICE],
      ['a restore', () => at('night/a'), AGAIN],
      ['its disk', () => `${at('night/a')}.volume`, VOLUME],
      ['its backup', () => `${at('night/a')}.backup`, BACKUP],
      ['its declaration', () => `${at('night/a')}.declared`, DECLARED],
      ['a change', () => `${at('night/a')}.changes.0`, CHANGE],
      ['a done restore', () => at('night/new'), NOOP],
      ['a blocked restore', () => at('night/c'), BLOCKED],
      ['an expired restore', () => at('late/e'), EXPIRED],
      ['a rename beside it', () => 'renamed.0', RENAMED],
    ];
    it('are checked in a plan that is accepted unchanged', async () => {
      workspace.write('plan.json', genuine);
      expect(await run(0, 'show', 'plan.json'))
        .to.include('2 to rename')
        .and.include('show does not compare it with the cloud and the state')
        .and.include('protect true → false')
        .and.include('protect: false: once it is done');
      expect(await run(5, 'apply', 'plan.json')).to.include('restores are blocked');
    });
    for (const [what, path, table] of TABLES)
      for (const [field, fate] of Object.entries(table))
        if (fate !== 'below') it(`${what}: ${field}`, () => meets(genuine, path(), field, fate));
  });

  describe('for a resumed restore', () => {
    let generation = 1;
    before(async () => {
      workspace = await Workspace.open({ seed: { volumes: 3, jobDurationMs: 1_500 } });
      await run(0, 'init');
      declare('night', '', entry('done', 1));
      await run(0, 'apply', '--auto-approve', '-f', 'night.yaml');
    });
    after(() => workspace.close());

    for (const [path, table] of [
      ['', RESUME],
      ['.volume', VOLUME],
      ['.backup', BACKUP],
    ] as const)
      for (const [field, fate] of Object.entries<Fate>(table))
        if (fate !== 'below')
          it(`${path} ${field}`, async () => {
            generation++;
            declare('night', '', entry('run', 0, `, generation: ${generation}`), entry('done', 1));
            await run(6, 'apply', '--auto-approve', '--no-wait', '-f', 'night.yaml');
            await run(0, 'plan', '--out', 'plan.json', '-f', 'night.yaml');
            const genuine = workspace.read('plan.json');
            const { actions } = JSON.parse(genuine) as SavedPlan;
            const index = actions.findIndex(({ kind }) => kind === 'resume');
            expect(index).to.be.at.least(0);
            await meets(genuine, `actions.${index}${path}`, field, fate);
            await run(0, 'wait');
          });
  });
});
