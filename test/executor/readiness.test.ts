import { expect } from 'chai';
import type { RestoreAction } from '../../src/domain/plan.ts';
import { judgeReadiness } from '../../src/executor/readiness.ts';
import type { Readings } from '../../src/executor/readings.ts';

const HOME = { project_id: 'p' } as Parameters<typeof judgeReadiness>[2];
const ACTION = { volume: { id: 'v' }, backup: { id: 'b' }, expect: {} } as RestoreAction;
const MOVED_AT = '2026-11-23T22:00:00.000Z';

/** Disk and backup at rest, last moved at 22:00:00; `ageMs` later by the cloud's clock. */
function look(ageMs: number | undefined): Readings {
  const cloud = ageMs === undefined ? {} : { cloud_time_ms: Date.parse(MOVED_AT) + ageMs };
  const common = { name: '', status: 'available', size: 1, created_at: MOVED_AT, updated_at: MOVED_AT };
  const seen = { status: 'available', updated_at: MOVED_AT };
  return {
    volume: { kind: 'found', value: { ...common, id: 'v', attachments: [] }, ...cloud },
    backup: { kind: 'found', value: { ...common, id: 'b', volume_id: 'v' }, ...cloud },
    seen: { at: MOVED_AT, volume: seen, backup: seen },
  };
}

describe('the minimum age of a baseline', () => {
  // What begins and ends within the second of the last change would not be seen to move anything.
  it('is two seconds after the last change by the clock of the cloud', () => {
    expect(judgeReadiness(ACTION, look(1_900), HOME, undefined).kind).to.equal('not_yet');
    expect(judgeReadiness(ACTION, look(2_000), HOME, undefined).kind).to.equal('ready');
  });

  it('is three seconds without a change by our clock if the cloud sends no Date', () => {
    const young = look(undefined);
    const earlier = (ago_ms: number) => ({ seen: young.seen, ago_ms });
    expect(judgeReadiness(ACTION, young, HOME, earlier(2_900)).kind).to.equal('not_yet');
    expect(judgeReadiness(ACTION, young, HOME, earlier(3_000)).kind).to.equal('ready');
  });
});

describe('the facts in an approved plan', () => {
  const shown = (volume: object, backup: object) =>
    ({ ...ACTION, volume: { id: 'v', ...volume }, backup: { id: 'b', ...backup } }) as RestoreAction;
  const names = { volume_name: '', backup_name: '', backup_created_at: MOVED_AT, size: 1 };
  const same = shown({ name: '', size: 1 }, { name: '', size: 1, created_at: MOVED_AT, of_volume_id: 'v' });

  it('must still hold at the request, or nothing is restored', () => {
    expect(judgeReadiness(same, look(5_000), HOME, undefined, names).kind).to.equal('ready');
    for (const [action, begun, because] of [
      [
        shown({ name: 'prod' }, {}),
        names,
        'the disk’s name was prod when it was planned, and is nothing now',
      ],
      [shown({ size: 2 }, {}), names, 'the disk’s size was 2 GB when it was planned, and is 1 GB now'],
      [shown({}, { name: 'n' }), names, 'the backup’s name was n when it was planned, and is nothing now'],
      [
        shown({}, { of_volume_id: 'w' }),
        names,
        'the disk that the backup is of was w when it was planned, and is v now',
      ],
      [shown({}, { size: 2 }), names, 'the backup’s size was 2 GB when it was planned, and is 1 GB now'],
      [
        shown({}, { created_at: '2026-11-23T21:00:00.000Z' }),
        names,
        `the backup’s time was 2026-11-23T21:00:00.000Z when it was planned, and is ${MOVED_AT} now`,
      ],
      [
        same,
        { ...names, volume_name: 'prod' },
        'the disk’s name was prod when it was begun, and is nothing now',
      ],
      [same, { ...names, backup_name: 'n' }, 'the backup’s name was n when it was begun, and is nothing now'],
    ] as const)
      expect(judgeReadiness(action, look(5_000), HOME, undefined, begun)).to.deep.equal({
        kind: 'never',
        reason: because,
      });
  });
});
