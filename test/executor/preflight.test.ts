import { expect } from 'chai';
import { addressOf } from '../../src/domain/spec.ts';
import type { Backup, Volume } from '../../src/emulator/model.ts';
import { ProgramHarness } from '../simulation/program-harness.ts';

/** Something that speaks against a restore: done before the plan, or between the plan and the POST. */
interface Rule {
  readonly break: (harness: ProgramHarness, disk: Volume, backup: Backup) => void;
  /** What the plan says of it, in whole or in part. */
  readonly plan:
    | { readonly kind: 'blocked'; readonly code: string }
    | { readonly kind: 'waits'; readonly what: string };
  /** Makes it well again; then the restore must go through. */
  readonly mend?: (harness: ProgramHarness, disk: Volume, backup: Backup) => void;
}

const blocked = (code: string) => ({ kind: 'blocked', code }) as const;
const waits = (what: string) => ({ kind: 'waits', what }) as const;

function diskIs(status: string): Rule['break'] {
  return (harness, disk) => harness.operate({ action: 'set-status', volume_id: disk.id, status });
}

function backupIs(status: string): Rule['break'] {
  return (harness, _, backup) => harness.operate({ action: 'set-status', backup_id: backup.id, status });
}

const RULES: Readonly<Record<string, Rule>> = {
  'the disk is attached': {
    break: (harness, disk) => harness.operate({ action: 'attach', volume_id: disk.id, server: 'pay-db1' }),
    plan: waits('the disk is attached to '),
    mend: (harness, disk) => harness.operate({ action: 'detach', volume_id: disk.id }),
  },
  'a backup of the disk is being made': {
    break: (harness, disk) => harness.operate({ action: 'backup', volume_id: disk.id, duration_ms: 300_000 }),
    plan: waits('a backup of the disk is being made'),
  },
  'a backup of the disk is being made, and the disk does not tell': {
    break: (harness, disk) => {
      harness.operate({ action: 'backup', volume_id: disk.id, name: 'hourly', duration_ms: 300_000 });
      disk.status = 'available';
    },
    plan: waits('backup hourly of the disk is being made'),
  },
  'somebody restores the disk': {
    break: (harness, disk) => {
      const other = Object.values(harness.world.backups).filter((b) => b.volume_id === disk.id)[1];
      if (!other) throw new Error('the disk has one backup only');
      harness.operate({ action: 'set-timing', backup_id: other.id, job_duration_ms: 300_000 });
      harness.operate({ action: 'restore', volume_id: disk.id, backup_id: other.id });
    },
    plan: waits('another restore into the disk is running'),
  },
  'the disk is in error': {
    break: diskIs('error'),
    plan: blocked('volume-in-error'),
    mend: diskIs('available'),
  },
  'an earlier restore of the disk failed': {
    break: diskIs('error_restoring'),
    plan: blocked('volume-in-error'),
    mend: diskIs('available'),
  },
  'the disk is being extended': {
    break: diskIs('extending'),
    plan: waits('the disk is being extended'),
    mend: diskIs('available'),
  },
  'the disk is being deleted': { break: diskIs('deleting'), plan: blocked('volume-deleting') },
  'the disk is smaller than the backup': {
    break: (_, __, backup) => {
      backup.size_gb = 5_000;
    },
    plan: blocked('volume-too-small'),
  },
  'the backup is being made': {
    break: backupIs('creating'),
    plan: waits('the backup is being made'),
    mend: backupIs('available'),
  },
  'the backup is being used': {
    break: backupIs('restoring'),
    plan: waits('another restore from the backup is running'),
    mend: backupIs('available'),
  },
  'the backup is in error': { break: backupIs('error'), plan: blocked('backup-unusable') },
  'the backup is being deleted': { break: backupIs('deleting'), plan: blocked('backup-unusable') },
  'the backup is another project’s, shared': {
    break: (_, __, backup) => {
      backup.shared_with = [backup.project_id];
      backup.project_id = 'another';
    },
    plan: blocked('backup-shared'),
  },
  'the disk is gone': {
    break: (harness, disk) => {
      delete harness.world.volumes[disk.id];
    },
    plan: blocked('volume-gone'),
  },
  'the backup is gone': {
    break: (harness, _, backup) => {
      delete harness.world.backups[backup.id];
    },
    plan: blocked('backup-gone'),
  },
};

function one() {
  const harness = new ProgramHarness();
  const spec = harness.spec(0, { timeout_ms: 60_000 });
  if (spec.volume.by !== 'id' || spec.backup.by !== 'id') throw new Error('not by id');
  const disk = harness.world.volumes[spec.volume.id];
  const backup = harness.world.backups[spec.backup.id];
  if (!disk || !backup) throw new Error('no disk or backup');
  return { harness, spec, disk, backup };
}

function posts(harness: ProgramHarness): number {
  return harness.network.log.filter((line) => line === 'POST restore').length;
}

describe('the documented preconditions of the service', () => {
  for (const [name, rule] of Object.entries(RULES)) {
    describe(name, () => {
      it('is shown in the plan', async () => {
        const { harness, spec, disk, backup } = one();
        rule.break(harness, disk, backup);
        const [action] = (await harness.plan([spec])).actions;
        if (rule.plan.kind === 'blocked') {
          expect(action).to.have.nested.property('reasons[0].code', rule.plan.code);
          expect(action).to.have.nested.property('reasons[0].remedy').that.is.not.empty;
        } else expect(action).to.have.nested.property('waits_for[0].what').that.includes(rule.plan.what);
      });

      it('stops the request if it arose after the plan', async () => {
        const { harness, spec, disk, backup } = one();
        const { outcome } = await harness.apply([spec], {
          onEvent: ({ type }) => type === 'run_started' && rule.break(harness, disk, backup),
        });
        const end = outcome.ends.get(addressOf(spec.set, spec.name));
        expect(end).to.include({
          kind: 'not_started',
          code: rule.plan.kind === 'blocked' ? 'changed' : 'not_ready',
        });
        expect(posts(harness)).to.equal(0);
      });

      const { mend } = rule;
      if (rule.plan.kind === 'waits')
        it('is waited for', async () => {
          const { harness, spec, disk, backup } = one();
          rule.break(harness, disk, backup);
          if (mend) harness.clock.at(200_000, () => mend(harness, disk, backup));
          const { outcome } = await harness.apply([{ ...spec, timeout_ms: 3_600_000 }]);
          expect(outcome.summary).to.include({ started: 1, succeeded: 1 });
          expect(posts(harness)).to.equal(1);
        });
      else if (mend)
        it('does not block a restore once it is repaired', async () => {
          const { harness, spec, disk, backup } = one();
          rule.break(harness, disk, backup);
          mend(harness, disk, backup);
          const { outcome } = await harness.apply([spec]);
          expect(outcome.summary).to.include({ started: 1, succeeded: 1 });
        });
    });
  }

  it('a disk that was extended since the backup is restored, and the plan says what to do afterwards', async () => {
    const { harness, spec, disk } = one();
    harness.operate({ action: 'extend', volume_id: disk.id, size: disk.size_gb + 10 });
    const { plan, outcome } = await harness.apply([spec]);
    expect(plan.notices.map(({ code }) => code)).to.deep.equal(['capacity-falls-back']);
    expect(plan.notices[0]?.remedy).to.include('growpart');
    expect(outcome.summary.succeeded).to.equal(1);
  });

  it('a disk at a disaster-recovery site is refused by the service, and fails untouched with a remedy', async () => {
    const { harness, spec, disk } = one();
    harness.operate({ action: 'set-dr-site', volume_id: disk.id, dr_site: true });
    const { plan, outcome } = await harness.apply([spec]);
    expect(plan.notices.map(({ code }) => code)).to.deep.equal(['volume-replicated']);
    const end = outcome.ends.get(spec.address);
    const record = end?.kind === 'recorded' ? end.record : undefined;
    expect(record).to.include({ status: 'failed', touched: 'no' });
    expect(record?.status === 'failed' && record.reason).to.match(/^VolumeBackup\.0211: /);
  });
});
