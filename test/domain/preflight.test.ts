import { expect } from 'chai';
import type { Backup, Volume } from '../../src/domain/cloud.ts';
import { describeAttachment, identityProblems, waitsFor } from '../../src/domain/preflight.ts';
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
const UUID = 'c96e4a94-927a-425c-8795-63f9964cfebd';

interface Seen {
  readonly volume?: Partial<Volume>;
  readonly backup?: Partial<Backup>;
  readonly expect?: Expectation;
}

function problems({ volume = {}, backup = {}, expect = {} }: Seen) {
  return identityProblems({ ...VOLUME, ...volume }, { ...BACKUP, ...backup }, expect, 'p1');
}

describe('identityProblems', () => {
  const cases: { [name: string]: [Seen, string[]] } = {
    'disk and backup as they should be': [{}, []],
    'a disk of this project': [{ volume: { project_id: 'p1' } }, []],
    'a disk of another project': [{ volume: { project_id: 'p2' } }, ['volume-of-another-project']],
    'a disk in error': [{ volume: { status: 'error' } }, ['volume-in-error']],
    'a disk whose last restore failed': [{ volume: { status: 'error_restoring' } }, ['volume-in-error']],
    'a disk being deleted': [{ volume: { status: 'deleting' } }, ['volume-deleting']],
    'a disk in use: no matter yet': [{ volume: { status: 'in-use', attachments: [NAMED] } }, []],
    'a disk being restored: no matter yet': [{ volume: { status: 'restoring-backup' } }, []],
    'a status that only begins like an error': [{ volume: { status: 'errored' } }, []],
    'a backup of this project': [{ backup: { project_id: 'p1' } }, []],
    'a backup that was shared': [{ backup: { project_id: 'p2' } }, ['backup-shared']],
    'a backup in error': [{ backup: { status: 'error' } }, ['backup-unusable']],
    'a backup being deleted': [{ backup: { status: 'deleting' } }, ['backup-unusable']],
    'a backup being made: no matter yet': [{ backup: { status: 'creating' } }, []],
    'a disk as large as the backup': [{ volume: { size: 10 }, backup: { size: 10 } }, []],
    'a larger disk': [{ volume: { size: 11 } }, []],
    'a smaller disk': [{ volume: { size: 9 } }, ['volume-too-small']],
    'a backup of another disk': [{ backup: { volume_id: 'w' } }, []],
    'the expected name': [{ expect: { volume_name: 'data' } }, []],
    'another name': [{ expect: { volume_name: 'Data' } }, ['unexpected']],
    'the expected size': [{ expect: { size: 10 } }, []],
    'another size': [{ expect: { size: 11 } }, ['unexpected']],
    'the expected server, by name': [{ volume: { attachments: [NAMED] }, expect: { server: 'db1' } }, []],
    'the expected server, by id': [{ volume: { attachments: [NAMED] }, expect: { server: 'id-1' } }, []],
    'another server': [{ volume: { attachments: [NAMED] }, expect: { server: 'db2' } }, ['unexpected']],
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
      ['unexpected'],
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
        'unexpected',
        'unexpected',
      ],
    ],
  };
  for (const [name, [seen, codes]] of Object.entries(cases))
    it(name, () => expect(problems(seen).map(({ code }) => code)).to.deep.equal(codes));

  it('are errors, each with a way out', () => {
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

  it('say both values of what is not as expected, and where to mend it', () => {
    const [name] = problems({ volume: { name: '' }, expect: { volume_name: 'data' } });
    expect(name?.summary).to.equal('expected volume name data, but it is (none)');
    expect(name?.remedy).to.contain('expect.volume_name');
    const [server] = problems({ volume: { attachments: [NAMED] }, expect: { server: 'db2' } });
    expect(server?.summary).to.equal('expected server db2, but it is db1 (/dev/vdb)');
  });

  it('pass on what the service says of a broken backup', () => {
    const [broken] = problems({ backup: { status: 'error', fail_reason: 'no space' } });
    expect(broken?.detail).to.contain('no space');
  });

  it('say how to extend a disk that is too small', () => {
    expect(problems({ backup: { size: 40 } })[0]?.remedy).to.contain('openstack volume set --size 40 v');
  });
});

describe('waitsFor', () => {
  const whats = (volume: Partial<Volume>, backup: Partial<Backup> = {}) =>
    waitsFor({ ...VOLUME, ...volume }, { ...BACKUP, ...backup }).map(({ what }) => what);
  const cases: { [name: string]: [Partial<Volume>, Partial<Backup>, string[]] } = {
    'nothing when both are available': [{}, {}, []],
    'each server to be detached': [
      { status: 'in-use', attachments: [NAMED, { server_id: 'id-2' }] },
      {},
      ['detach from db1 (/dev/vdb)', 'detach from id-2'],
    ],
    'another restore': [{ status: 'restoring-backup' }, {}, ['another restore into this disk to end']],
    'a disk that is busy': [{ status: 'backing-up' }, {}, ['disk to become available (it is backing-up)']],
    'a backup that is busy': [{}, { status: 'restoring' }, ['backup to become available (it is restoring)']],
    both: [
      { status: 'attaching' },
      { status: 'creating' },
      ['disk to become available (it is attaching)', 'backup to become available (it is creating)'],
    ],
  };
  for (const [name, [volume, backup, expected]] of Object.entries(cases))
    it(name, () => expect(whats(volume, backup)).to.deep.equal(expected));

  it('gives the commands that detach, in their order', () => {
    const [wait] = waitsFor({ ...VOLUME, status: 'in-use', attachments: [NAMED] }, BACKUP);
    expect(wait?.commands).to.deep.equal([
      'openstack server stop id-1',
      'openstack server remove volume id-1 v',
    ]);
  });
});

describe('describeAttachment', () => {
  it('prefers the name and adds the device', () => {
    expect(describeAttachment(NAMED)).to.equal('db1 (/dev/vdb)');
    expect(describeAttachment({ server_id: 'id-1' })).to.equal('id-1');
  });
});
