import { expect } from 'chai';
import type { Backup, Volume } from '../../src/domain/cloud.ts';
import type { Policy } from '../../src/domain/config.ts';
import {
  action,
  backup,
  book,
  CLOUD,
  type Cloud,
  NOW,
  planOf,
  said,
  spec,
  TARGET,
  volume,
} from './builders.ts';
import { checkAll } from './tables.ts';

const A = spec('s/a', 'v1', 'b1');

function cloud(disk: Partial<Volume> = {}, data: Partial<Backup> = {}): Cloud {
  return { volumes: [volume('v1', disk)], backups: [backup('b1', 'v1', data)] };
}

const ATTACHED = {
  status: 'in-use',
  attachments: [{ server_id: 'srv', server_name: 'pay-db1', device: '/dev/vdb' }],
};

describe('the facts about disk and backup', () => {
  checkAll({
    'disk gone': { specs: [A], cloud: { ...cloud(), volumes: [] }, plan: { 's/a': 'blocked volume-gone' } },
    'backup gone': { specs: [A], cloud: { ...cloud(), backups: [] }, plan: { 's/a': 'blocked backup-gone' } },
    'both gone': {
      specs: [A],
      cloud: { volumes: [], backups: [] },
      plan: { 's/a': 'blocked volume-gone backup-gone' },
    },
    'disk unreadable': {
      specs: [A],
      cloud: { ...cloud(), unreadable: { v1: { retryable: true } } },
      plan: { 's/a': 'blocked unreadable' },
    },
    'of another project': {
      specs: [A],
      cloud: cloud({ project_id: 'p2' }),
      plan: { 's/a': 'blocked volume-of-another-project' },
    },
    'backup in error': {
      specs: [A],
      cloud: cloud({}, { status: 'error' }),
      plan: { 's/a': 'blocked backup-unusable' },
    },
    'too small': { specs: [A], cloud: cloud({ size: 9 }), plan: { 's/a': 'blocked volume-too-small' } },
    'not as expected, thrice': {
      specs: [spec('s/a', 'v1', 'b1', { expect: { volume_name: 'x', size: 11, server: 'other' } })],
      cloud: cloud(ATTACHED),
      plan: { 's/a': 'blocked expectation-not-met expectation-not-met expectation-not-met' },
    },
    'as expected': {
      specs: [spec('s/a', 'v1', 'b1', { expect: { volume_name: 'disk-v1', size: 10, server: 'pay-db1' } })],
      cloud: cloud(ATTACHED),
      plan: { 's/a': 'restore first' },
    },
    'attached is no reason to block': {
      specs: [A],
      cloud: cloud(ATTACHED),
      plan: { 's/a': 'restore first' },
    },
    'nothing of it matters to what is done': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'succeeded'),
      cloud: { volumes: [], backups: [] },
      plan: { 's/a': 'noop' },
    },
  });

  it('distinguish temporarily from permanently unreadable', () => {
    const of = (retryable: boolean) =>
      said(planOf([A], { cloud: { ...cloud(), unreadable: { b1: { retryable } } } }), 's/a');
    expect(of(true)).to.contain('plan again in a moment').and.contain('req-1');
    expect(of(false)).to.contain('check that these credentials');
  });

  it('show what the restore waits for, with the commands', () => {
    const made = action(planOf([A], { cloud: cloud(ATTACHED) }), 's/a', 'restore');
    expect(made.waits_for).to.deep.equal([
      {
        what: 'the disk is attached to pay-db1 (/dev/vdb)',
        commands: ['openstack server stop srv', 'openstack server remove volume srv v1'],
        server: 'pay-db1',
      },
    ]);
    expect(made.volume).to.deep.equal({ id: 'v1', name: 'disk-v1', size: 10, ...ATTACHED });
  });

  it('wait for nothing if both are available', () => {
    expect(action(planOf([A], { cloud: cloud() }), 's/a', 'restore').waits_for).to.deep.equal([]);
  });

  it('throw an error, and report no missing disk, if a read was not requested', () => {
    const observations = { volumes: new Map(), backups: new Map() };
    expect(() => planOf([A], { snapshot: observations })).to.throw('was needed for the plan and not read');
  });
});

describe('notices', () => {
  it('say that the capacity of an expanded disk may fall back', () => {
    const made = planOf([A], { cloud: cloud({ size: 20 }) });
    expect(made.notices).to.have.length(1);
    expect(made.notices[0]).to.deep.include({
      code: 'capacity-falls-back',
      severity: 'warning',
      where: { address: 's/a' },
    });
    expect(made.notices[0]?.summary).to.contain('20 GB').and.contain('10 GB');
  });

  it('say nothing for a disk of the same size or one that is not restored', () => {
    expect(planOf([A], { cloud: cloud() }).notices).to.deep.equal([]);
    const state = book().put('s/a', 'v1', 'b1', 'running');
    expect(planOf([A], { state, cloud: cloud({ size: 20 }) }).notices).to.deep.equal([]);
  });
});

describe('valid_until', () => {
  const until = (time: string) => spec('s/a', 'v1', 'b1', { valid_until: time });
  const late = until('2026-11-24T00:00:00.000Z');
  checkAll({
    'to come': { specs: [until('2026-11-24T00:00:00.001Z')], plan: { 's/a': 'restore first' } },
    'at that very moment it is over': { specs: [late], plan: { 's/a': 'expired' } },
    'over, and never begun': { specs: [late], state: book(), plan: { 's/a': 'expired' } },
    'over, and failed untouched': {
      specs: [late],
      state: book().put('s/a', 'v1', 'b1', 'failed no'),
      plan: { 's/a': 'expired' },
    },
    'over, and done': {
      specs: [late],
      state: book().put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'noop' },
    },
    'over, and under way': {
      specs: [late],
      state: book().put('s/a', 'v1', 'b1', 'intended'),
      plan: { 's/a': 'resume' },
    },
    'over, and unknown': {
      specs: [late],
      state: book().put('s/a', 'v1', 'b1', 'unknown'),
      plan: { 's/a': 'blocked outcome-unknown' },
    },
    'over, whatever the disk looks like': {
      specs: [late],
      cloud: { volumes: [], backups: [] },
      plan: { 's/a': 'expired' },
    },
  });
});

describe('the limits of the operator', () => {
  const policy = (more: Partial<Policy>): Policy => ({ protected_volumes: [], ...more });
  const B = spec('s/b', 'v2', 'b2');
  checkAll({
    'a disk protected by id': {
      specs: [A, B],
      policy: policy({ protected_volumes: ['v1'] }),
      plan: { 's/a': 'blocked protected-volume', 's/b': 'restore first' },
    },
    'a disk protected by a pattern of its name': {
      specs: [A, B],
      policy: policy({ protected_volumes: ['nothing', '*-v?'] }),
      plan: { 's/a': 'blocked protected-volume', 's/b': 'blocked protected-volume' },
    },
    'a backup too old': {
      specs: [A, spec('s/b', 'v2', 'd2')],
      policy: policy({ max_backup_age_ms: 86_400_000 }),
      plan: { 's/a': 'blocked backup-too-old', 's/b': 'restore first' },
    },
    'what is done or under way was allowed then': {
      specs: [A, B],
      state: book().put('s/a', 'v1', 'b1', 'succeeded').put('s/b', 'v2', 'b2', 'running'),
      policy: policy({ protected_volumes: ['*'], max_backup_age_ms: 1, max_restores: 0 }),
      plan: { 's/a': 'noop', 's/b': 'resume' },
    },
    'as many restores as allowed': {
      specs: [A, B],
      policy: policy({ max_restores: 2 }),
      plan: { 's/a': 'restore first', 's/b': 'restore first' },
    },
    'more than allowed': {
      specs: [A, B],
      policy: policy({ max_restores: 1 }),
      plan: { 's/a': 'restore first', 's/b': 'restore first', notices: 'too-many-restores' },
    },
    'more than allowed, but not with --target': {
      specs: [A, B],
      policy: policy({ max_restores: 1 }),
      only: ['s/b'],
      plan: { 's/b': 'restore first' },
    },
  });

  it('name the number, the limit and the remedy', () => {
    const { notices } = planOf([A, B], { policy: policy({ max_restores: 1 }) });
    expect(notices[0]).to.deep.include({
      severity: 'error',
      summary: 'the plan has 2 restores, the limit is 1',
    });
    expect(notices[0]?.remedy).to.contain('policy.max_restores').and.contain('--target');
    const old = planOf([A], { policy: policy({ max_backup_age_ms: 3_600_000 }) });
    expect(said(old, 's/a')).to.contain('is 3d old, the limit is 1h').and.contain('policy.max_backup_age');
    const kept = planOf([A], { policy: policy({ protected_volumes: ['disk-*'] }) });
    expect(said(kept, 's/a')).to.contain('protected by disk-*').and.contain('policy.protected_volumes');
  });
});

describe('the plan itself', () => {
  it('lists its inputs', () => {
    const state = book().put('s/a', 'v1', 'b1', 'succeeded');
    const files = [{ path: 'restores.yaml', sha256: 'abc' }];
    expect(planOf([A], { state, files })).to.deep.include({
      format: 1,
      created_at: new Date(NOW).toISOString(),
      tool_version: 'test',
      offline: false,
      target: TARGET,
      state: { lineage: 'line', serial: state.state.serial },
      manifests: files,
    });
  });

  it('has no state if none exists', () => {
    expect(planOf([A])).to.not.have.property('state');
  });

  it('keeps the order of the manifests and the position of each restore', () => {
    const source = { file: 'x.yaml', line: 9, column: 5 };
    const made = planOf([spec('s/z', 'v2', 'b2'), spec('s/a', 'v1', 'b1', { source })], { cloud: CLOUD });
    expect(made.actions.map(({ address }) => address)).to.deep.equal(['s/z', 's/a']);
    expect(made.actions[1]?.source).to.equal(source);
  });
});

describe('dependencies', () => {
  const on = (address: string, n: number, ...depends_on: string[]) =>
    spec(address, `v${n}`, `b${n}`, { depends_on });
  checkAll({
    '--target brings along what is needed, not what needs it': {
      specs: [on('s/a', 1), on('s/b', 2, 's/a'), on('s/c', 3, 's/b'), on('s/d', 4)],
      only: ['s/b'],
      plan: { 's/a': 'restore first', 's/b': 'restore first' },
    },
    'on what is done or under way': {
      specs: [on('s/a', 1), on('s/b', 2), on('s/c', 3, 's/a', 's/b')],
      state: book().put('s/a', 'v1', 'b1', 'succeeded').put('s/b', 'v2', 'b2', 'running'),
      plan: { 's/a': 'noop', 's/b': 'resume', 's/c': 'restore first' },
    },
    'on what is blocked: neither it nor what depends on it can start': {
      specs: [on('s/c', 3, 's/b'), on('s/b', 2, 's/a'), on('s/a', 1), on('s/d', 4)],
      state: book().put('s/a', 'v1', 'b1', 'unknown'),
      plan: {
        's/c': 'blocked dependency-stuck',
        's/b': 'blocked dependency-stuck',
        's/a': 'blocked outcome-unknown',
        's/d': 'restore first',
      },
    },
    'on what expired': {
      specs: [spec('s/a', 'v1', 'b1', { valid_until: '2026-11-23T00:00:00Z' }), on('s/b', 2, 's/a')],
      plan: { 's/a': 'expired', 's/b': 'blocked dependency-stuck' },
    },
    'what is under way is followed whatever became of its dependencies': {
      specs: [on('s/a', 1), on('s/b', 2, 's/a')],
      state: book().put('s/a', 'v1', 'b1', 'unknown').put('s/b', 'v2', 'b2', 'running'),
      plan: { 's/a': 'blocked outcome-unknown', 's/b': 'resume' },
    },
    'in a circle: no plan hangs on it': {
      specs: [on('s/a', 1, 's/b'), on('s/b', 2, 's/a')],
      only: ['s/a'],
      plan: { 's/a': 'restore first', 's/b': 'restore first' },
    },
    'a renamed one keeps its name when it is blocked': {
      specs: [on('s/a', 1), on('s/b', 2, 's/a')],
      state: book().put('s/a', 'v1', 'b1', 'unknown').put('s/z', 'v2', 'b2', 'failed no'),
      plan: {
        's/a': 'blocked outcome-unknown',
        's/b': 'blocked dependency-stuck was s/z',
        moves: 's/z>s/b',
      },
    },
  });

  it('name each dependency with its status', () => {
    const specs = [spec('s/a', 'v1', 'b1', { valid_until: '2026-11-23T00:00:00Z' }), on('s/b', 2, 's/a')];
    expect(said(planOf(specs), 's/b')).to.contain('depends on s/a, which expired at 2026-11-23T00:00:00Z');
  });

  it('do not count against max_restores if they are not restored', () => {
    const specs = [on('s/a', 1), on('s/b', 2, 's/a'), on('s/c', 3)];
    const state = book().put('s/a', 'v1', 'b1', 'unknown');
    expect(
      planOf(specs, { state, policy: { protected_volumes: [], max_restores: 1 } }).notices,
    ).to.deep.equal([]);
  });
});
