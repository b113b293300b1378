import { expect } from 'chai';
import {
  filterBackups,
  filterServers,
  filterVolumes,
  type InventoryFilter,
  unknownOf,
} from '../../src/inventory/filter.ts';
import { inventoryOf } from '../../src/inventory/rows.ts';
import { BACKUPS, PROJECT_ID, SERVERS, VOLUMES } from './project.ts';

const ANY: InventoryFilter = { volumes: [], servers: [], names: [], statuses: [] };
const inventory = inventoryOf({
  volumes: VOLUMES,
  backups: BACKUPS,
  servers: SERVERS,
  projectId: PROJECT_ID,
});

describe('the inventory of a project', () => {
  it('has the newest backup first, with the names of disk and server', () => {
    const { backups } = inventory;
    expect(backups.map(({ created_at }) => created_at.slice(8, 10))).to.deep.equal([
      '23',
      '23',
      '22',
      '22',
      '21',
      '20',
      '19',
      '18',
    ]);
    expect(backups.find(({ name }) => name === 'disk-1-21')).to.deep.include({
      volume_name: 'disk-1',
      attachments: [{ server_id: 'server-1', device: '/dev/vda', server_name: 'pay-db1' }],
      shared: false,
    });
    expect(backups.at(-1)).to.include({ shared: true });
    expect(backups.find(({ name }) => name === 'disk-9-19')).to.not.have.property('volume_name');
  });

  it('counts only backups that a restore could use', () => {
    const counts = inventory.volumes.map(({ name, backups, last_backup_at }) => [
      name,
      backups,
      last_backup_at,
    ]);
    expect(counts).to.deep.equal([
      ['disk-1', 3, '2026-11-23T01:00:00.000Z'],
      ['disk-2', 1, '2026-11-22T01:00:00.000Z'],
      ['disk-3', 1, '2026-11-20T01:00:00.000Z'],
      ['disk-4', 0, undefined],
    ]);
  });

  it('has the servers of the compute service and of attachments, each with the oldest of the last backups of its disks', () => {
    const shown = inventory.servers.map(({ id, name, status, volumes, last_backup_at }) => ({
      id,
      name,
      status,
      disks: volumes.map((each) => each.name),
      last_backup_at,
    }));
    expect(shown).to.deep.equal([
      { id: 'server-9', name: '', status: undefined, disks: ['disk-4'], last_backup_at: undefined },
      { id: 'server-2', name: 'idle1', status: 'SHUTOFF', disks: [], last_backup_at: undefined },
      {
        id: 'server-1',
        name: 'pay-db1',
        status: 'ACTIVE',
        disks: ['disk-1', 'disk-2'],
        last_backup_at: '2026-11-22T01:00:00.000Z',
      },
    ]);
  });

  it('has the servers of attachments if there is no compute service', () => {
    const without = inventoryOf({ volumes: VOLUMES, backups: BACKUPS, projectId: PROJECT_ID });
    expect(without.servers.map(({ id, name }) => [id, name])).to.deep.equal([
      ['server-1', ''],
      ['server-9', ''],
    ]);
  });

  const names = (rows: readonly { name: string }[]) => rows.map(({ name }) => name);
  const backups = (filter: Partial<InventoryFilter>) =>
    names(filterBackups(inventory.backups, { ...ANY, ...filter }));

  it('filters backups', () => {
    expect(backups({ volumes: ['disk-1'] })).to.deep.equal(['disk-1-23', 'disk-1-22', 'disk-1-21']);
    expect(backups({ volumes: [VOLUMES[0]?.id ?? ''] })).to.deep.equal(['disk-2-23', 'disk-2-22']);
    expect(backups({ servers: ['pay-db1'], statuses: ['ERROR'] })).to.deep.equal(['disk-2-23']);
    expect(backups({ servers: ['server-1'], names: ['*-22'] })).to.have.members(['disk-1-22', 'disk-2-22']);
    const at = Date.parse('2026-11-22T01:00:00Z');
    expect(backups({ before: at, after: at })).to.have.members(['disk-1-22', 'disk-2-22']);
    expect(backups({ volumes: ['disk'] })).to.deep.equal([]);
  });

  it('filters disks and servers', () => {
    expect(
      names(filterVolumes(inventory.volumes, { ...ANY, servers: ['pay-db1', 'server-9'] })),
    ).to.deep.equal(['disk-1', 'disk-2', 'disk-4']);
    expect(names(filterVolumes(inventory.volumes, { ...ANY, statuses: ['available'] }))).to.deep.equal([
      'disk-3',
    ]);
    expect(names(filterServers(inventory.servers, { ...ANY, volumes: ['disk-2'] }))).to.deep.equal([
      'pay-db1',
    ]);
    expect(names(filterServers(inventory.servers, { ...ANY, names: ['idle?'] }))).to.deep.equal(['idle1']);
    expect(names(filterServers(inventory.servers, { ...ANY, statuses: ['active'] }))).to.deep.equal([
      'pay-db1',
    ]);
  });

  it('names the disks and servers that do not exist, but not the deleted disk of a backup', () => {
    const gone = BACKUPS.find(({ name }) => name === 'disk-9-19')?.volume_id ?? '';
    expect(
      unknownOf(inventory, { ...ANY, volumes: ['disk-1', 'nope', gone], servers: ['idle1', 'no1'] }),
    ).to.deep.equal({ volumes: ['nope'], servers: ['no1'] });
  });
});
