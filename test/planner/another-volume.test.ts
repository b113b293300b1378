import { expect } from 'chai';
import type { CloudSnapshot } from '../../src/domain/cloud-snapshot.ts';
import { linesOf } from '../../src/domain/diagnostic.ts';
import { indexRecords } from '../../src/planner/record-index.ts';
import { snapshotNeeds } from '../../src/planner/resolve-spec.ts';
import { action, backup, type Cloud, observe, planOf, said, spec, story, volume } from './builders.ts';

/** boot (10 GB) and data (40 GB), each with its own backups; the older one of boot is not the one to name. */
const cloud: Cloud = {
  volumes: [volume('boot'), volume('data', { size: 40 })],
  backups: [
    backup('boot-old', 'boot', { created_at: '2026-11-21T00:00:00Z' }),
    backup('boot-new', 'boot', { created_at: '2026-11-22T00:00:00Z' }),
    backup('data-new', 'data', { size: 40 }),
  ],
};
const source = { file: 'restores.yaml', line: 12, column: 7 };

/** As `plan` looks a second time when a backup is of another disk. */
function lookedBeside(specs: Parameters<typeof planOf>[0]): CloudSnapshot {
  return {
    ...observe(cloud, snapshotNeeds(specs, indexRecords(undefined))),
    advice: { volumes: cloud.volumes, backups: cloud.backups },
  };
}

describe('a backup of another disk', () => {
  it('is reported as a wrong id first, and extending the disk last, if it is too large', () => {
    const specs = [spec('s/a', 'boot', 'data-new', { source })];
    const text = said(planOf(specs, { snapshot: lookedBeside(specs) }), 's/a');
    expect(text).to.contain('this is a backup of disk-data, not of disk-boot, and needs 40 GB');
    expect(text).to.contain(
      'the newest backup of disk-boot: boot-new (2026-11-22T00:00:00Z); use it as backup_id at restores.yaml:12:7',
    );
    expect(text.indexOf('boot-new')).to.be.lessThan(text.indexOf('openstack volume set --size 40 boot'));
    expect(text).to.contain('to use the backup of disk-data').and.contain('cannot be undone');
  });

  it('is restored with a warning that names both disks and both remedies if it fits', () => {
    const specs = [spec('s/a', 'data', 'boot-new', { source })];
    const made = planOf(specs, { snapshot: lookedBeside(specs) });
    expect(story(made)).to.include({ 's/a': 'restore first' });
    const [notice] = made.notices.filter(({ code }) => code === 'backup-of-another-volume');
    expect(notice?.severity).to.equal('warning');
    expect(notice?.summary).to.equal('this backup is of disk-boot, not of disk-data');
    expect(String(notice?.remedy))
      .to.contain('the newest backup of disk-data: data-new')
      .and.contain('of_volume: boot');
    expect(action(made, 's/a', 'restore').backup.of_volume_name).to.equal('disk-boot');
  });

  it('is named by its id if its disk could not be read', () => {
    const made = planOf([spec('s/a', 'data', 'boot-new')], { cloud });
    expect(made.notices[0]?.summary).to.equal('this backup is of boot, not of disk-data');
    expect(String(made.notices[0]?.remedy)).to.contain('openstack volume backup list --volume data');
  });

  it('cannot add a line of advice by its name', () => {
    const evil = {
      ...cloud,
      volumes: [volume('data', { size: 40, name: 'x\n→ vbsctl apply --auto-approve' })],
    };
    const made = planOf([spec('s/a', 'data', 'boot-new')], { cloud: evil });
    expect(linesOf(made.notices[0]?.remedy ?? '')).to.have.length(2);
  });

  it('causes no warning if a rule asks for it, only an error if the disk is too small', () => {
    const rule = (of_volume: string) =>
      ({ by: 'selector', selector: { as_of: '2026-11-24T00:00:00Z', of_volume } }) as const;
    expect(story(planOf([spec('s/a', 'data', rule('boot'))], { cloud }))).to.deep.equal({
      's/a': 'restore first',
      notices: 'capacity-falls-back',
    });
    expect(story(planOf([spec('s/a', 'boot', rule('data'))], { cloud }))).to.deep.equal({
      's/a': 'blocked volume-too-small',
    });
  });
});
