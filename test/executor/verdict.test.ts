import { expect } from 'chai';
import type { FoundResource, FullObservation, Observation } from '../../src/domain/observation.ts';
import { NO_OBSERVATIONS, withObservation } from '../../src/domain/observation-history.ts';
import type { Attempt, Running } from '../../src/domain/record.ts';
import { CINDER_TRAITS } from '../../src/drivers/cinder.ts';
import { VBS_TRAITS } from '../../src/drivers/vbs.ts';
import { judgeStatuses, type RunningJudgement } from '../../src/executor/judge-running.ts';
import { effectiveSettle, judgeAttempts, type VerdictInput } from '../../src/executor/verdict.ts';

const AT = '2026-11-23T22:00:00.000Z';
const BEFORE = '2026-11-23T20:00:00.000Z';

function look(volume: Partial<FoundResource>, backup: Partial<FoundResource> = {}): FullObservation {
  return {
    at: AT,
    volume: { status: 'available', updated_at: BEFORE, ...volume },
    backup: { status: 'available', updated_at: BEFORE, ...backup },
  };
}

function verdict(seen: Observation, more: Partial<VerdictInput> = {}): string {
  const attempt: Attempt = {
    intended_at: AT,
    answered_at: AT,
    answer: 'ambiguous',
    failure: { cause: 'timeout', message: 'no answer' },
  };
  const subject = { backup_id: 'ours', baseline: look({}), traits: VBS_TRAITS, ...more } as const;
  return judgeAttempts({
    attempts: [attempt],
    seen,
    history: withObservation(NO_OBSERVATIONS, seen, subject),
    sinceMs: 120_000,
    absentForSettle: false,
    settleMs: 120_000,
    afterAmbiguous: 'retry',
    ...subject,
    ...more,
  }).kind;
}

const RESTORING = look(
  { status: 'restoring-backup', updated_at: AT },
  { status: 'restoring', updated_at: AT },
);

describe('the verdict in cases that the simulation cannot reach', () => {
  it('adopts a restore if the disk newly names our backup, and only then', () => {
    const named = { updated_at: AT, src_backup_id: 'ours' };
    expect(verdict(look(named))).to.equal('adopt');
    expect(verdict(look(named), { baseline: look({ src_backup_id: 'ours' }) })).to.equal('unknown');
    expect(verdict(look({ updated_at: AT, src_backup_id: 'other' }))).to.equal('unknown');
  });

  it('repeats no request in doubt if the cloud does not say when the disk last changed', () => {
    const { updated_at: _, ...untimed } = look({}).volume;
    const seen = { ...look({}), volume: untimed };
    expect(verdict(seen, { baseline: seen, sinceMs: 119_000 })).to.equal('wait');
    expect(verdict(seen, { baseline: seen })).to.equal('unknown');
    expect(verdict(look({}), { baseline: look({}) })).to.equal('not_started');
  });

  it('waits while the disk is being restored from another backup', () => {
    const { volume, backup } = RESTORING;
    expect(verdict(RESTORING)).to.equal('adopt');
    expect(verdict({ at: AT, volume: { ...volume, src_backup_id: 'other' }, backup })).to.equal('wait');
  });

  it('adopts nothing that was already restoring in the baseline', () => {
    expect(verdict(RESTORING, { baseline: RESTORING })).to.equal('wait');
  });

  it('uses a settle of three times the measured lag, and never less than configured', () => {
    expect(effectiveSettle(120_000, 10_000)).to.equal(120_000);
    expect(effectiveSettle(120_000, 100_000)).to.equal(300_000);
    expect(verdict(look({}), { settleMs: 300_000 })).to.equal('wait');
  });

  it('does not end as succeeded if the disk names another backup', () => {
    const step = judged({ updated_at: AT, src_backup_id: 'other' }, { updated_at: AT }, 'adopted');
    expect(step).to.include({ kind: 'unknown', reason: 'the disk was restored from another backup, other' });
  });

  it('does not call a disk restored that changed alone after an accepting answer', () => {
    expect(judged({ updated_at: AT }, {}, 'accepted').kind).to.equal('unchanged');
    expect(judged({ updated_at: AT }, 'gone', 'accepted').kind).to.equal('unknown');
    expect(judged({ updated_at: AT }, { updated_at: AT }, 'accepted').kind).to.equal('succeeded');
    expect(judged({ updated_at: AT }, 'gone', 'adopted').kind).to.equal('unknown');
  });
});

function judged(
  volume: Partial<FoundResource>,
  backup: Partial<FoundResource> | 'gone',
  evidence: Running['evidence'],
): RunningJudgement {
  const found = look(volume, backup === 'gone' ? {} : backup);
  const seen: Observation = backup === 'gone' ? { ...found, backup: { reading: 'gone' } } : found;
  const common = { name: '', size: 1, created_at: AT };
  const record = { volume_id: 'w', backup_id: 'ours', baseline: look({}), evidence } as Running;
  const subject = { backup_id: 'ours', baseline: record.baseline, traits: CINDER_TRAITS } as const;
  return judgeStatuses(
    {
      history: withObservation(NO_OBSERVATIONS, seen, subject),
      readings: {
        volume: { kind: 'found', value: { ...common, ...found.volume, id: 'v', attachments: [] } },
        backup:
          backup === 'gone'
            ? { kind: 'gone', failure: { cause: 'status', message: 'no such backup' } }
            : { kind: 'found', value: { ...common, ...found.backup, id: 'ours', volume_id: 'w' } },
        seen,
      },
    },
    record,
    CINDER_TRAITS,
    true,
  );
}
