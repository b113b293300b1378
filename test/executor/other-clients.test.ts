import { expect } from 'chai';
import { observedStatus } from '../../src/domain/observation.ts';
import type { RestoreRecord } from '../../src/domain/record.ts';
import type { RestoreSpec } from '../../src/domain/spec.ts';
import { type HarnessOptions, ProgramHarness } from '../simulation/program-harness.ts';

/**
 * Our POST is lost and has no effect. A stranger restores another backup into our disk, and another stranger restores our
 * backup into another disk: together the two look like the restore that we asked for.
 */
interface Crossing {
  readonly api: 'vbs' | 'cinder';
  /** Which of the two begins first. */
  readonly first: 'disk' | 'backup';
  /** Between the two, s. */
  readonly gap_s: number;
  /** Whether the disk names the stranger's backup afterwards: of another disk it does, of its own it does not. */
  readonly named: boolean;
  /** How long the strangers' restores take. */
  readonly jobDurationMs?: number;
  /** The process dies that long after its POST; the next one begins when both strangers are at it. */
  readonly crash_s?: number;
}

const LOST = {
  match: { route: 'restore' },
  effect: { kind: 'status', when: 'before', status: 504 },
} as const;
/** The first stranger, after the POST. */
const BEGINS_MS = 20_000;

function harnessWith(
  { api, jobDurationMs = 600_000 }: Pick<Crossing, 'api' | 'jobDurationMs'>,
  more: HarnessOptions = {},
): ProgramHarness {
  return new ProgramHarness({ api, jobDurationMs, faults: [LOST], ...more });
}

function ids(spec: RestoreSpec): { volume_id: string; backup_id: string } {
  if (spec.volume.by !== 'id' || spec.backup.by !== 'id') throw new Error('not by id');
  return { volume_id: spec.volume.id, backup_id: spec.backup.id };
}

/** What each stranger does, at its time. */
function arrange(harness: ProgramHarness, crossing: Crossing, sentAt: number): void {
  const ours = ids(harness.spec(1));
  const elsewhere = ids(harness.spec(2));
  const theirs = crossing.named ? ids(harness.spec(0)) : ids(harness.spec(1, { backup_number: 1 }));
  const intoDisk = () =>
    harness.operate({ action: 'restore', volume_id: ours.volume_id, backup_id: theirs.backup_id });
  const fromBackup = () =>
    harness.operate({ action: 'restore', volume_id: elsewhere.volume_id, backup_id: ours.backup_id });
  const [first, second] = crossing.first === 'disk' ? [intoDisk, fromBackup] : [fromBackup, intoDisk];
  harness.clock.at(sentAt + BEGINS_MS, first);
  harness.clock.at(sentAt + BEGINS_MS + crossing.gap_s * 1_000, second);
}

async function outcome(
  crossing: Crossing,
): Promise<{ harness: ProgramHarness; record: RestoreRecord | undefined }> {
  const harness = harnessWith(crossing);
  const spec = harness.spec(1);
  const stop = new AbortController();
  let arranged = false;
  const running = harness.applying([spec], {
    stop: stop.signal,
    onEvent: ({ type }) => {
      if (type !== 'answered' || arranged) return;
      arranged = true;
      arrange(harness, crossing, harness.clock.monotonic());
      if (crossing.crash_s !== undefined)
        harness.clock.at(harness.clock.monotonic() + crossing.crash_s * 1_000, () =>
          stop.abort(new Error('crash')),
        );
    },
  });
  await harness.clock.until(running);
  if (crossing.crash_s !== undefined) {
    const bothAtIt = BEGINS_MS + crossing.gap_s * 1_000 + 5_000;
    await harness.clock.until(harness.clock.sleep(Math.max(bothAtIt - crossing.crash_s * 1_000, 0)));
    await harness.apply([spec]);
  }
  return { harness, record: (await harness.state())?.records.get(spec.address) };
}

describe('crossing restores of two other clients', () => {
  for (const api of ['vbs', 'cinder'] as const)
    for (const first of ['disk', 'backup'] as const)
      for (const named of [true, false])
        for (const gap_s of [0, 1, 3, 10, 200]) {
          // All that the cloud shows is what a restore of ours would show; the README says so.
          const residue = gap_s === 0 && !named;
          for (const crash_s of [undefined, 1, BEGINS_MS / 1_000 + gap_s / 2]) {
            const when = crash_s === undefined ? '' : `, the process dying after ${crash_s} s`;
            const name = named ? 'leaving a name' : 'leaving no name';
            it(`${api}: ${first} first, ${gap_s} s apart, ${name}${when}: ${residue ? 'cannot be told' : 'unknown'}`, async () => {
              const { harness, record } = await outcome({
                api,
                first,
                gap_s,
                named,
                ...(crash_s && { crash_s }),
              });
              expect(record?.status).to.equal(residue ? 'succeeded' : 'unknown');
              expect(record?.attempts).to.have.length(1);
              expect(harness.audit().restores.map(({ cause }) => cause)).to.deep.equal([
                'operator',
                'operator',
              ]);
            });
          }
        }

  for (const api of ['vbs', 'cinder'] as const)
    it(`${api}: at the same instant, over a name that the disk carried before: unknown`, async () => {
      const harness = harnessWith({ api }, { jobDurationMs: 60_000 });
      const ours = ids(harness.spec(1));
      const theirs = ids(harness.spec(0));
      harness.operate({ action: 'restore', volume_id: ours.volume_id, backup_id: theirs.backup_id });
      await harness.clock.until(harness.clock.sleep(120_000));
      let arranged = false;
      await harness.apply([harness.spec(1)], {
        onEvent: ({ type }) => {
          if (type !== 'answered' || arranged) return;
          arranged = true;
          arrange(harness, { api, first: 'disk', gap_s: 0, named: true }, harness.clock.monotonic());
        },
      });
      const record = (await harness.state())?.records.get('set/disk-1');
      expect(record?.status === 'unknown' && record.reason).to.include('does not name this backup');
    });

  it('stay in the record if the process dies between the reads', async () => {
    const harness = harnessWith({ api: 'cinder' });
    const stop = new AbortController();
    let arranged = false;
    await harness.apply([harness.spec(1)], {
      stop: stop.signal,
      onEvent: ({ type }) => {
        if (type !== 'answered' || arranged) return;
        arranged = true;
        arrange(
          harness,
          { api: 'cinder', first: 'backup', gap_s: 60, named: false },
          harness.clock.monotonic(),
        );
        harness.clock.at(harness.clock.monotonic() + 50_000, () => stop.abort(new Error('crash')));
      },
    });
    const record = (await harness.state())?.records.get('set/disk-1');
    const looks = record?.status === 'intended' ? record.observation_history?.observations : undefined;
    expect(
      looks?.map(({ volume, backup, confirmed }) => [
        observedStatus(volume),
        observedStatus(backup),
        confirmed,
      ]),
    ).to.deep.equal([['available', 'restoring', true]]);
    await harness.clock.until(harness.clock.sleep(20_000));
    await harness.apply([harness.spec(1)]);
    const after = (await harness.state())?.records.get('set/disk-1');
    expect(after?.status === 'unknown' && after.reason).to.include(
      'the backup was already being restored at',
    );
  });
});
