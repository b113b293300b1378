import { expect } from 'chai';
import type { Policy } from '../../src/domain/config.ts';
import { ProgramHarness } from '../simulation/program-harness.ts';

const ADDRESS = 'set/disk-0';

function idOf(harness: ProgramHarness): string {
  return Object.keys(harness.world.volumes)[0] ?? '';
}

function protecting(...protected_volumes: string[]): Policy {
  return { protected_volumes };
}

describe('the current policy before each request', () => {
  /** A run that is stopped while its request hangs; `when`: before the cloud acts on it, or after. */
  async function interrupted(when: 'before' | 'after'): Promise<ProgramHarness> {
    const effect = { kind: 'hang', when, for_ms: 90_000 } as const;
    const harness = new ProgramHarness({
      jobDurationMs: 600_000,
      faults: [{ match: { route: 'restore' }, effect }],
    });
    const stop = new AbortController();
    harness.clock.at(5_000, () => stop.abort(new Error('SIGINT')));
    await harness.apply([harness.spec(0)], { stop: stop.signal });
    expect((await harness.state())?.records.get(ADDRESS)).to.include({ status: 'intended' });
    return harness;
  }

  const forbidding: readonly (readonly [
    what: string,
    policy: (harness: ProgramHarness) => Policy,
    code: string,
  ])[] = [
    ['its disk is protected by id', (harness) => protecting(idOf(harness)), 'protected-volume'],
    ['every disk is protected', () => protecting('*'), 'protected-volume'],
    ['no set may run', () => ({ ...protecting(), allowed_sets: [] }), 'set-not-allowed'],
    ['its backup is too old', () => ({ ...protecting(), max_backup_age_ms: 1_000 }), 'backup-too-old'],
    ['a label is missing', () => ({ ...protecting(), require_labels: ['ticket'] }), 'label-missing'],
    ['it expects nothing', () => ({ ...protecting(), require_expect: true }), 'expect-missing'],
    ['it has no end', () => ({ ...protecting(), require_valid_until: true }), 'valid-until-missing'],
  ];
  for (const [what, policy, code] of forbidding)
    it(`does not let a resumed restore be sent again once ${what}`, async () => {
      const harness = await interrupted('before');
      const before = (await harness.state())?.records.get(ADDRESS);
      const { outcome } = await harness.apply([harness.spec(0)], { policy: policy(harness) });
      const end = outcome.ends.get(ADDRESS);
      expect(end?.kind === 'recorded' && end.policy_violations?.map((reason) => reason.code)).to.deep.equal([
        code,
      ]);
      expect(harness.starts(0)).to.equal(0);
      const after = (await harness.state())?.records.get(ADDRESS);
      expect(after).to.include({ status: 'intended' });
      expect(after?.attempts.length).to.equal(before?.attempts.length);
    });

  it('does not stop a running restore from being followed', async () => {
    const harness = await interrupted('after');
    const { outcome } = await harness.apply([harness.spec(0)], { policy: protecting('*') });
    expect(outcome.summary).to.include({ succeeded: 1, started: 0 });
    expect(harness.starts(0)).to.equal(1);
  });

  it('lets a resumed restore be sent again if a flag lifts the limit for this run', async () => {
    const harness = await interrupted('before');
    const more = { policy: protecting('*'), waivers: ['protected-volumes'] } as const;
    const { outcome } = await harness.apply([harness.spec(0)], more);
    expect(outcome.summary).to.include({ succeeded: 1, started: 1 });
  });

  it('refuses a disk that gets a protected name while the run waits for it', async () => {
    const harness = new ProgramHarness();
    const volume_id = idOf(harness);
    harness.operate({ action: 'attach', volume_id, server: 'pay-db1' });
    harness.clock.at(60_000, () => {
      const volume = harness.world.volumes[volume_id];
      if (volume) volume.name = 'prod-db';
      harness.operate({ action: 'detach', volume_id });
    });
    const { outcome } = await harness.apply([harness.spec(0)], { policy: protecting('prod-*') });
    expect(outcome.ends.get(ADDRESS)).to.include({ kind: 'not_started', code: 'policy' });
    expect(harness.starts(0)).to.equal(0);
    expect((await harness.state())?.records.size).to.equal(0);
  });

  it('refuses a backup that becomes too old while the run waits for the disk', async () => {
    const harness = new ProgramHarness();
    const volume_id = idOf(harness);
    const { backup } = harness.spec(0);
    const created = harness.world.backups[backup.by === 'id' ? backup.id : '']?.created_ms ?? 0;
    harness.operate({ action: 'attach', volume_id, server: 'pay-db1' });
    harness.clock.at(3_600_000, () => harness.operate({ action: 'detach', volume_id }));
    const policy = { ...protecting(), max_backup_age_ms: harness.clock.now() - created + 1_800_000 };
    const { outcome } = await harness.apply([harness.spec(0)], { policy });
    expect(outcome.ends.get(ADDRESS)).to.include({ kind: 'not_started', code: 'policy' });
    expect(harness.starts(0)).to.equal(0);
  });

  it('reports an end for each restore that an unknown outcome blocks', async () => {
    const harness = new ProgramHarness();
    const gone = harness.spec(1, { volume: { by: 'id', id: 'no-such-disk' } });
    const { outcome } = await harness.apply([harness.spec(0), gone]);
    expect(outcome.summary).to.include({ succeeded: 1, blocked: 1 });
    expect(outcome.ends.get(gone.address)?.kind).to.equal('blocked');
  });
});
