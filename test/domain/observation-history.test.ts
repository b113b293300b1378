import { expect } from 'chai';
import type {
  FoundResource,
  FullObservation,
  MissingResource,
  Observation,
  ObservationHistory,
} from '../../src/domain/observation.ts';
import {
  freedSeparately,
  lacksSourceBackup,
  mustBeStored,
  NO_OBSERVATIONS,
  needsConfirmation,
  newSourceBackup,
  type ObservedRestore,
  withObservation,
} from '../../src/domain/observation-history.ts';
import { CINDER_TRAITS } from '../../src/drivers/cinder.ts';
import { VBS_TRAITS } from '../../src/drivers/vbs.ts';

const BEFORE = '2026-11-23T20:00:00Z';
/** Seconds after ten. */
const at = (s: number) => new Date(Date.UTC(2026, 10, 23, 22, 0, s)).toISOString();
const REST = { status: 'available', updated_at: BEFORE };

function look(
  volume: Partial<FoundResource>,
  backup: Partial<FoundResource>,
  confirmed = false,
): FullObservation {
  return {
    at: at(59),
    volume: { ...REST, ...volume },
    backup: { ...REST, ...backup },
    ...(confirmed ? { confirmed: true as const } : {}),
  };
}

function without(
  what: 'volume' | 'backup',
  reading: MissingResource['reading'],
  seen: Observation,
): Observation {
  return { ...seen, [what]: { reading } };
}

const disk = (s: number, more: Partial<FoundResource> = {}) => ({
  status: 'restoring-backup',
  updated_at: at(s),
  ...more,
});
const backup = (s: number) => ({ status: 'restoring', updated_at: at(s) });
const ended = (s: number, more: Partial<FoundResource> = {}): FoundResource => ({
  ...REST,
  updated_at: at(s),
  ...more,
});

function restore(api: 'vbs' | 'cinder' = 'vbs', src_backup_id?: string): ObservedRestore {
  const volume = src_backup_id === undefined ? REST : { ...REST, src_backup_id };
  return {
    backup_id: 'ours',
    baseline: { at: BEFORE, volume, backup: REST },
    traits: api === 'vbs' ? VBS_TRAITS : CINDER_TRAITS,
  };
}

function history(looks: readonly Observation[], of = restore()): ObservationHistory {
  return looks.reduce<ObservationHistory>((sofar, one) => withObservation(sofar, one, of), NO_OBSERVATIONS);
}

const contradicted = (looks: readonly Observation[], of = restore()) =>
  history(looks, of).contradiction !== undefined;

describe('the observations since a request', () => {
  it('contradict for good once the disk was restoring and the backup was not, if a second read confirms it', () => {
    const both = look(disk(1), backup(1));
    expect(contradicted([look(disk(1), {}, true), both])).to.equal(true);
    expect(contradicted([look(disk(1), {}), both]), 'a torn reading').to.equal(false);
    expect(contradicted([without('backup', 'gone', look(disk(1), {}, true))]), 'not told').to.equal(false);
  });

  it('contradict if the backup was restoring before the disk and has not changed since', () => {
    const alone = look({}, backup(1), true);
    expect(contradicted([alone, look(disk(1), backup(1))])).to.equal(true);
    expect(contradicted([alone, look(disk(5), backup(5))]), 'another restore of it').to.equal(false);
    expect(contradicted([look({}, backup(1)), look(disk(1), backup(1))]), 'torn').to.equal(false);
  });

  it('contradict if disk and backup began at different times', () => {
    for (const [volumeAt, backupAt, vbs, cinder] of [
      [5, 5, false, false],
      [6, 5, false, false], // a second began between the two writes
      [7, 5, true, false], // Cinder may write the disk again
      [5, 6, true, true], // the backup is written first
      [5, 50, true, true],
    ] as const) {
      const looks = [look(disk(volumeAt), backup(backupAt))];
      const title = `disk ${volumeAt}, backup ${backupAt}`;
      expect(contradicted(looks, restore('vbs')), `vbs: ${title}`).to.equal(vbs);
      expect(contradicted(looks, restore('cinder')), `cinder: ${title}`).to.equal(cinder);
    }
  });

  it('contradict if a disk at rest names another backup, and not while it is being written', () => {
    expect(contradicted([look(ended(9, { src_backup_id: 'theirs' }), ended(9))])).to.equal(true);
    expect(contradicted([look(disk(9, { src_backup_id: 'theirs' }), backup(9))])).to.equal(false);
    const known = restore('vbs', 'theirs');
    expect(contradicted([look(ended(9, { src_backup_id: 'theirs' }), ended(9))], known)).to.equal(false);
    expect(contradicted([look(ended(9, { src_backup_id: 'OURS' }), ended(9))])).to.equal(false);
  });

  it('are confirmed by a second read if a change may lie between the two', () => {
    for (const [one, needed] of [
      [look(disk(1), {}), true],
      [look({}, backup(1)), true],
      [look({ status: 'error_restoring' }, {}), true],
      [look({}, { status: 'error' }), true],
      [look(disk(1), backup(1)), false],
      [look({}, {}), false],
      [without('backup', 'unreadable', look(disk(1), {})), false],
      [without('backup', 'gone', look({ status: 'error' }, {})), true],
    ] as const)
      expect(needsConfirmation(one), JSON.stringify(one)).to.equal(needed);
  });

  it('are kept for later runs if they show something new', () => {
    const news = (before: readonly Observation[], one: Observation) =>
      mustBeStored(history(before), history([...before, one]), one, restore());
    expect(news([], look({}, {})), 'as before the request').to.equal(false);
    expect(news([], look({}, backup(1))), 'a backup alone that may be torn').to.equal(false);
    expect(news([], look({}, backup(1), true)), 'a backup alone').to.equal(true);
    expect(news([], look(disk(1), backup(1))), 'the disk moved').to.equal(true);
    expect(news([look(disk(1), backup(1))], look(disk(1), backup(1))), 'again').to.equal(false);
    expect(news([], without('volume', 'unreadable', look({}, {}))), 'nothing').to.equal(false);
    expect(news([look(disk(1), {})], look(disk(1), {}, true)), 'a contradiction').to.equal(true);
  });

  it('are limited to the first, the newest and preferably confirmed ones', () => {
    const many = Array.from({ length: 50 }, (_, n) => look(disk(n), backup(n), n === 3));
    const { observations: looks } = history(many, restore('cinder'));
    expect(looks).to.have.length(10);
    expect([looks[0], looks[1], looks.at(-1)]).to.deep.equal([many[0], many[3], many[49]]);
  });
});

describe('the observed end of a restore', () => {
  it('releases disk and backup together, the disk first', () => {
    const apart = (volumeAt: number, backupAt: number, status = 'available') =>
      freedSeparately(look(ended(volumeAt, { status }), ended(backupAt)), NO_OBSERVATIONS) !== undefined;
    expect([apart(9, 9), apart(9, 10)], 'together').to.deep.equal([false, false]);
    expect([apart(10, 9), apart(9, 11), apart(9, 20)], 'apart').to.deep.equal([true, true, true]);
    expect(apart(10, 9, 'in-use'), 'attached, and nobody saw how it began').to.equal(true);
    expect(freedSeparately(look({ updated_at: '' }, ended(9)), NO_OBSERVATIONS)).to.include('does not say');
  });

  it('ignores the time of a disk that was attached since, if the two began together', () => {
    const began = history([look(disk(1), backup(1))], restore('cinder'));
    const attached = look(ended(30, { status: 'in-use' }), ended(9));
    expect(freedSeparately(attached, began)).to.equal(undefined);
    expect(freedSeparately(attached, history([look(disk(5), backup(1))], restore('cinder')))).to.not.equal(
      undefined,
    );
    expect(freedSeparately(look(ended(9, { status: 'in-use' }), ended(30)), began)).to.not.equal(undefined);
  });

  it('names our backup on the disk only with a new updated_at', () => {
    expect(newSourceBackup(ended(9, { src_backup_id: 'ours' }), restore())).to.equal('ours');
    expect(newSourceBackup({ ...REST, src_backup_id: 'ours' }, restore()), 'by hand').to.equal(undefined);
    expect(newSourceBackup(ended(9, { src_backup_id: 'ours' }), restore('vbs', 'ours'))).to.equal(undefined);
    expect(newSourceBackup({ ...REST, src_backup_id: 'theirs' }, restore())).to.equal('another');
  });

  it('leaves the backup name on another disk only, and replaces an earlier one', () => {
    const lacks = (now: string | undefined, before: string | undefined, intoAnotherVolume: boolean) =>
      lacksSourceBackup(
        ended(9, now === undefined ? {} : { src_backup_id: now }),
        restore('vbs', before),
        intoAnotherVolume,
      );
    expect(lacks(undefined, undefined, true), 'into another disk').to.equal(true);
    expect(lacks('ours', undefined, true)).to.equal(false);
    expect(lacks('ours', 'ours', true), 'the same once more').to.equal(false);
    expect(lacks(undefined, undefined, false), 'in place').to.equal(false);
    expect(lacks('theirs', 'theirs', false), 'in place, over a name').to.equal(true);
    expect(lacks(undefined, 'theirs', false), 'in place, metadata from the backup').to.equal(false);
  });
});
