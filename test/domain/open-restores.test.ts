import { expect } from 'chai';
import { openRestores } from '../../src/domain/open-restores.ts';
import type { RestoreRecord } from '../../src/domain/record.ts';
import type { RestoreSpec } from '../../src/domain/spec.ts';
import { emptyState } from '../../src/domain/state.ts';
import { running, succeeded, TARGET, unknown } from '../views/fixtures.ts';

function stateOf(...records: readonly RestoreRecord[]) {
  const empty = emptyState('lineage', TARGET, '2026-11-20T00:00:00.000Z');
  return { ...empty, records: new Map(records.map((record) => [record.address, record])) };
}

function spec(address: string, more: Partial<RestoreSpec> = {}): RestoreSpec {
  const [set = '', name = ''] = address.split('/');
  return {
    address,
    set,
    name,
    labels: {},
    volume: { by: 'id', id: `volume of ${address}` },
    backup: { by: 'id', id: `backup of ${address}` },
    generation: 1,
    expect: {},
    depends_on: [],
    source: {},
    ...more,
  };
}

describe('open restores', () => {
  it('are those without an outcome, oldest first', () => {
    const open = openRestores(stateOf(succeeded, running, unknown), []);
    const times = open.map(({ record }) => record.attempts[0]?.intended_at ?? '');
    expect(open.map(({ record }) => record.status)).to.have.members(['running', 'unknown']);
    expect([...times].sort()).to.deep.equal(times);
    expect(open.every(({ declared }) => !declared)).to.equal(true);
  });

  it('block their direct and indirect dependants, and restores of their disk or backup', () => {
    const specs = [
      spec(running.address, {
        volume: { by: 'id', id: running.volume_id },
        backup: { by: 'id', id: running.backup_id },
      }),
      spec('a/after', { depends_on: [running.address] }),
      spec('a/later', { depends_on: ['a/after'] }),
      spec('a/disk', { volume: { by: 'name', name: running.names.volume_name } }),
      spec('a/backup', { backup: { by: 'id', id: running.backup_id } }),
      spec('a/after-disk', { depends_on: ['a/disk'] }),
      spec('a/free'),
    ];
    const [open] = openRestores(stateOf(running), specs);
    expect(open?.declared).to.equal(true);
    expect(open?.blocks).to.have.deep.members([
      { address: 'a/disk', reason: 'same_volume' },
      { address: 'a/backup', reason: 'same_backup' },
      { address: 'a/after', reason: 'depends_on' },
      { address: 'a/later', reason: 'depends_on' },
      { address: 'a/after-disk', reason: 'depends_on' },
    ]);
  });

  it('block no restore that is done', () => {
    const done = spec(succeeded.address, {
      depends_on: [running.address],
      generation: succeeded.generation,
    });
    const [open] = openRestores(stateOf(running, succeeded), [done]);
    expect(open?.blocks).to.deep.equal([]);
  });

  it('block no done restore whose record was removed', () => {
    const done = spec(succeeded.address, {
      depends_on: [running.address],
      generation: succeeded.generation,
    });
    const actor = { who: 'ada@lab', operation: 'state rm', version: '0.1.0' };
    const history = [
      { type: 'removed', record: succeeded, serial: 1, at: running.updated_at, actor },
    ] as const;
    const [open] = openRestores({ ...stateOf(running), history }, [done]);
    expect(open?.blocks).to.deep.equal([]);
    const [again] = openRestores({ ...stateOf(running), history }, [{ ...done, generation: 9 }]);
    expect(again?.blocks).to.deep.equal([{ address: succeeded.address, reason: 'depends_on' }]);
  });

  it('are found in a dependency cycle', () => {
    const specs = [
      spec(running.address, { depends_on: ['a/b'] }),
      spec('a/b', { depends_on: [running.address] }),
    ];
    const [open] = openRestores(stateOf(running), specs);
    expect(open?.blocks).to.deep.equal([{ address: 'a/b', reason: 'depends_on' }]);
  });
});
