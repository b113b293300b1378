import { expect } from 'chai';
import type { Policy } from '../../src/domain/config.ts';
import { Lab } from '../simulation/lab.ts';

const ADDRESS = 'set/disk-0';

function idOf(lab: Lab): string {
  return Object.keys(lab.world.volumes)[0] ?? '';
}

function protecting(...protected_volumes: string[]): Policy {
  return { protected_volumes };
}

describe('today’s policy, before every request', () => {
  /** A run that is stopped while its request hangs; `when`: before the cloud acts on it, or after. */
  async function interrupted(when: 'before' | 'after'): Promise<Lab> {
    const effect = { kind: 'hang', when, for_ms: 90_000 } as const;
    const lab = new Lab({ jobDurationMs: 600_000, faults: [{ match: { route: 'restore' }, effect }] });
    const stop = new AbortController();
    lab.clock.at(5_000, () => stop.abort(new Error('SIGINT')));
    await lab.apply([lab.spec(0)], { stop: stop.signal });
    expect((await lab.state())?.records.get(ADDRESS)).to.include({ status: 'intended' });
    return lab;
  }

  const forbidding: readonly (readonly [what: string, policy: (lab: Lab) => Policy, code: string])[] = [
    ['its disk is protected by id', (lab) => protecting(idOf(lab)), 'protected-volume'],
    ['every disk is protected', () => protecting('*'), 'protected-volume'],
    ['no set may run', () => ({ ...protecting(), allowed_sets: [] }), 'set-not-allowed'],
    ['its backup is too old', () => ({ ...protecting(), max_backup_age_ms: 1_000 }), 'backup-too-old'],
    ['a label is missing', () => ({ ...protecting(), require_labels: ['ticket'] }), 'label-missing'],
    ['it expects nothing', () => ({ ...protecting(), require_expect: true }), 'expect-missing'],
    ['it has no end', () => ({ ...protecting(), require_valid_until: true }), 'valid-until-missing'],
  ];
  for (const [what, policy, code] of forbidding)
    it(`does not send again what an earlier run began, once ${what}`, async () => {
      const lab = await interrupted('before');
      const before = (await lab.state())?.records.get(ADDRESS);
      const { outcome } = await lab.apply([lab.spec(0)], { policy: policy(lab) });
      const end = outcome.ends.get(ADDRESS);
      expect(end?.kind === 'recorded' && end.policy_violations?.map((reason) => reason.code)).to.deep.equal([
        code,
      ]);
      expect(lab.starts(0)).to.equal(0);
      const after = (await lab.state())?.records.get(ADDRESS);
      expect(after).to.include({ status: 'intended' });
      expect(after?.attempts.length).to.equal(before?.attempts.length);
    });

  it('follows what the cloud began, whatever the policy says', async () => {
    const lab = await interrupted('after');
    const { outcome } = await lab.apply([lab.spec(0)], { policy: protecting('*') });
    expect(outcome.summary).to.include({ succeeded: 1, started: 0 });
    expect(lab.starts(0)).to.equal(1);
  });

  it('sends again when a person lifts the limit for this run', async () => {
    const lab = await interrupted('before');
    const more = { policy: protecting('*'), waivers: ['protected-volumes'] } as const;
    const { outcome } = await lab.apply([lab.spec(0)], more);
    expect(outcome.summary).to.include({ succeeded: 1, started: 1 });
  });

  it('refuses a disk that was renamed into protection while it was waited for', async () => {
    const lab = new Lab();
    const volume_id = idOf(lab);
    lab.operate({ action: 'attach', volume_id, server: 'pay-db1' });
    lab.clock.at(60_000, () => {
      const volume = lab.world.volumes[volume_id];
      if (volume) volume.name = 'prod-db';
      lab.operate({ action: 'detach', volume_id });
    });
    const { outcome } = await lab.apply([lab.spec(0)], { policy: protecting('prod-*') });
    expect(outcome.ends.get(ADDRESS)).to.include({ kind: 'not_started', code: 'policy' });
    expect(lab.starts(0)).to.equal(0);
    expect((await lab.state())?.records.size).to.equal(0);
  });

  it('refuses a backup that became too old while the disk was waited for', async () => {
    const lab = new Lab();
    const volume_id = idOf(lab);
    const { backup } = lab.spec(0);
    const created = lab.world.backups[backup.by === 'id' ? backup.id : '']?.created_ms ?? 0;
    lab.operate({ action: 'attach', volume_id, server: 'pay-db1' });
    lab.clock.at(3_600_000, () => lab.operate({ action: 'detach', volume_id }));
    const policy = { ...protecting(), max_backup_age_ms: lab.clock.now() - created + 1_800_000 };
    const { outcome } = await lab.apply([lab.spec(0)], { policy });
    expect(outcome.ends.get(ADDRESS)).to.include({ kind: 'not_started', code: 'policy' });
    expect(lab.starts(0)).to.equal(0);
  });

  it('gives an end to what the plan leaves out, with the unknown outcome that is in its way', async () => {
    const lab = new Lab();
    const gone = lab.spec(1, { volume: { by: 'id', id: 'no-such-disk' } });
    const { outcome } = await lab.apply([lab.spec(0), gone]);
    expect(outcome.summary).to.include({ succeeded: 1, blocked: 1 });
    expect(outcome.ends.get(gone.address)?.kind).to.equal('blocked');
  });
});
