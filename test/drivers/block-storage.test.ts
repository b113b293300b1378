import { expect } from 'chai';
import { isObject } from '../../src/domain/shape.ts';
import { parseBackup, parseVolume } from '../../src/drivers/block-storage.ts';
import { UnexpectedShape } from '../../src/drivers/fields.ts';
import { recordedBody } from './answers.ts';

const PROJECT = '0e8396c4fa5d47829b8617b61c685475';

describe('disks', () => {
  it('are read as a real Cinder returns them', () => {
    expect(parseVolume(recordedBody('volume-available').volume)).to.deep.equal({
      id: '09879a08-d3ec-4b9e-95f1-72d6de7dcd4b',
      name: 'rec-0001',
      status: 'available',
      size: 1,
      attachments: [],
      updated_at: '2026-11-23T18:14:28.000Z',
      project_id: PROJECT,
      availability_zone: 'nova',
    });
  });

  it('are read during and after a restore', () => {
    expect(parseVolume(recordedBody('volume-restoring').volume).status).to.equal('restoring-backup');
    expect(parseVolume(recordedBody('volume-after-failed-restore').volume).status).to.equal(
      'error_restoring',
    );
    expect(parseVolume(recordedBody('other-volume-after-restore').volume).src_backup_id).to.equal(
      '867967e9-06a9-4ea6-a643-f14c8f26d878',
    );
  });

  it('have the server that they are attached to', () => {
    expect(parseVolume(recordedBody('volume-in-use').volume).attachments).to.deep.equal([
      { server_id: '11111111-2222-4333-8444-555555555555', device: '/dev/vdb' },
    ]);
  });

  it('have ids in lower case', () => {
    expect(parseVolume({ id: '0A-F', status: 'available', size: 1 }).id).to.equal('0a-f');
    const backup = { id: '0B-F', volume_id: '0A-F', status: 'available', size: 1 };
    expect(parseBackup({ ...backup, created_at: '2026-11-23T18:14:26' })).to.include({
      id: '0b-f',
      volume_id: '0a-f',
    });
  });

  it('are read with most fields absent or null', () => {
    const least = { id: 'v', name: '', status: 'available', size: 1, attachments: [] };
    expect(parseVolume({ id: 'v', status: 'available', size: 1 })).to.deep.equal(least);
    const nulls = { name: null, attachments: null, metadata: null, updated_at: null };
    expect(parseVolume({ id: 'v', status: 'available', size: 1, ...nulls })).to.deep.equal(least);
  });

  const wrong: [string, unknown][] = [
    ['nothing', undefined],
    ['a list', []],
    ['no id', { status: 'available', size: 1 }],
    ['an empty status', { id: 'v', status: '', size: 1 }],
    ['a size in words', { id: 'v', status: 'available', size: '1' }],
    ['a negative size', { id: 'v', status: 'available', size: -1 }],
    ['a name that is a number', { id: 'v', status: 'available', size: 1, name: 1 }],
    ['attachments that are no list', { id: 'v', status: 'available', size: 1, attachments: {} }],
    ['a time that is none', { id: 'v', status: 'available', size: 1, updated_at: 'yesterday' }],
    [
      'a day that does not exist',
      { id: 'v', status: 'available', size: 1, updated_at: '2026-13-01T00:00:00' },
    ],
  ];
  for (const [name, value] of wrong)
    it(`are not read from ${name}`, () => {
      expect(() => parseVolume(value)).to.throw(UnexpectedShape);
    });
});

describe('backups', () => {
  it('as a real Cinder shows them', () => {
    expect(parseBackup(recordedBody('backup-available').backup)).to.deep.equal({
      id: '867967e9-06a9-4ea6-a643-f14c8f26d878',
      name: 'rec-0001',
      status: 'available',
      size: 1,
      volume_id: '09879a08-d3ec-4b9e-95f1-72d6de7dcd4b',
      created_at: '2026-11-23T18:14:27.000Z',
      updated_at: '2026-11-23T18:14:28.000Z',
    });
    expect(parseBackup(recordedBody('backup-restoring').backup).status).to.equal('restoring');
  });

  const base = { id: 'b', status: 'available', size: 1, volume_id: 'v', created_at: '2026-01-02T03:04:05' };

  it('are as old as their data if known, else as themselves', () => {
    const data = { ...base, data_timestamp: '2026-01-01T00:00:00.000000' };
    expect(parseBackup(data).created_at).to.equal('2026-01-01T00:00:00.000Z');
    expect(parseBackup({ ...base, data_timestamp: null }).created_at).to.equal('2026-01-02T03:04:05.000Z');
    expect(() => parseBackup({ ...base, created_at: null })).to.throw(UnexpectedShape, 'data_timestamp');
  });

  it('have their owner in either form', () => {
    expect(parseBackup({ ...base, 'os-bak-tenant-attr:tenant_id': 'p' }).project_id).to.equal('p');
    expect(parseBackup({ ...base, 'os-backup-project-attr:project_id': 'p' }).project_id).to.equal('p');
    expect(parseBackup(base)).not.to.have.property('project_id');
  });

  it('keep a reason of failure', () => {
    expect(parseBackup({ ...base, fail_reason: 'disk full' }).fail_reason).to.equal('disk full');
    expect(parseBackup({ ...base, fail_reason: null })).not.to.have.property('fail_reason');
  });

  it('are read in pages', () => {
    const { backups } = recordedBody('backups-detail-page');
    expect(
      Array.isArray(backups) && backups.filter(isObject).map((backup) => parseBackup(backup).name),
    ).to.deep.equal(['rec-0004', 'rec-0001']);
  });

  for (const [text, iso] of [
    ['2026-01-02T03:04:05.000000', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02 03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05+02:00', '2026-01-02T01:04:05.000Z'],
  ])
    it(`have the creation time ${text}`, () => {
      expect(parseBackup({ ...base, created_at: text }).created_at).to.equal(iso);
    });
});
