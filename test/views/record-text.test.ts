import { expect } from 'chai';
import { LIKE_AN_OPTION, UNPRINTABLE } from '../../src/domain/escape/shell-word.ts';
import { durationOf } from '../../src/views/record-text.ts';
import { stateShowText } from '../../src/views/state-text.ts';
import { AMBIGUOUS, adopted, at, NOW, recordOf, running, succeeded } from './fixtures.ts';

const ADOPT = { type: 'adopt', at: '2026-11-24T00:03:12.000Z' } as const;

describe('the attachment of a disk in the text of a record', () => {
  const attached_before = [
    { server_id: '6c1d9d5e', server_name: 'pay-db1', device: '/dev/vdb' },
    { server_id: '$(id)', device: '; id' },
    { server_id: '--x', device: '-y' },
    { server_id: 'a\nb' },
  ];

  it('is shown, with the command that attaches it again, to paste without harm', () => {
    const text = stateShowText({ ...succeeded, attached_before }, at(120));
    expect(text)
      .to.match(/was on: +pay-db1 \(\/dev\/vdb\)\n/)
      .and.contain(`openstack server add volume 6c1d9d5e ${succeeded.volume_id} --device /dev/vdb\n`)
      .and.contain(`openstack server add volume '$(id)' ${succeeded.volume_id} --device '; id'\n`)
      .and.contain(`openstack server add volume ${LIKE_AN_OPTION} ${succeeded.volume_id}`)
      .and.contain(`openstack server add volume ${UNPRINTABLE} ${succeeded.volume_id}\n`)
      .and.not.contain('volume $(id)');
    expect(stateShowText(succeeded, at(120)))
      .to.not.contain('was on')
      .and.not.contain('openstack');
  });

  it('is shown without the command while the disk still has to be restored', () => {
    expect(stateShowText({ ...running, attached_before }, at(120)))
      .to.contain('was on:')
      .and.not.contain('add volume');
  });
});

describe('the observations in the text of a record', () => {
  const seen = {
    at: '2026-11-24T00:01:00.000Z',
    volume: { status: 'restoring-backup', updated_at: '2026-11-24T00:00:58Z' },
    backup: { status: 'available', updated_at: '2026-11-20T00:00:00Z' },
  };
  const text = (...events: Parameters<typeof recordOf>[1]) => stateShowText(recordOf('web', events), at(120));

  it('is shown while nothing is decided yet, with what it rules out', () => {
    const history = {
      observations: [seen],
      contradiction: { at: seen.at, reason: 'the disk was being restored while this backup was available' },
    };
    expect(text(AMBIGUOUS, { type: 'observe', at: seen.at, history }))
      .to.match(/seen: +2026-11-24T00:01:00Z\n +disk +restoring-backup .*← changed/)
      .and.match(/not ours: +the disk was being restored while this backup was available/);
  });

  it('is shown for an attempt that did not start, and not as doubt', () => {
    expect(
      text(AMBIGUOUS, { type: 'settle', at: seen.at, for_ms: 120_000, seen }).replace(/\s+/g, ' '),
    ).to.include('it did not start: the disk did not change for 2m');
  });

  it('is shown for a success: the job, or disk and backup', () => {
    const accepted = { type: 'accept', at: seen.at, job_id: 'job-1' } as const;
    const job = { at: seen.at, job: { id: 'job-1', status: 'SUCCESS' } };
    expect(text(accepted, { type: 'succeed', at: seen.at, observed: job })).to.match(
      /seen: .*\n +job job-1 +SUCCESS/,
    );
    const unread = { reading: 'unreadable', reason: 'HTTP 503' } as const;
    const partly = { ...job, volume: unread, backup: { status: 'available' } };
    expect(text(accepted, { type: 'succeed', at: seen.at, observed: partly })).to.match(
      /seen: .*\n +disk +could not be read: HTTP 503\n +backup +available.*\n +job job-1 +SUCCESS/,
    );
    expect(text(accepted, { type: 'succeed', at: seen.at, observed: seen })).to.match(
      /seen: .*\n +disk +restoring/,
    );
  });
});

describe('the duration of a restore', () => {
  it('counts from the acceptance', () => {
    expect(durationOf(succeeded, NOW)).to.equal(724_000);
    expect(durationOf(running, NOW)).to.equal(NOW - Date.parse('2026-11-24T00:00:12Z'));
  });

  it('counts from the request if the restore was only adopted', () => {
    expect(durationOf(adopted, NOW)).to.equal(530_000);
    const found = recordOf('web', [AMBIGUOUS, ADOPT]);
    expect(durationOf(found, NOW)).to.equal(NOW - Date.parse('2026-11-24T00:00:10Z'));
  });

  it('counts from the first request that can have started it', () => {
    const { names, baseline } = adopted;
    const { volume_id, backup_id, generation, address } = adopted;
    const identity = { volume_id, backup_id, generation };
    const again = (at: string) =>
      ({ type: 'intend', at, address, identity, names, baseline, api: 'vbs', settle_ms: 120_000 }) as const;
    const failure = { cause: 'no_connection', message: 'refused' } as const;
    const never = {
      type: 'answer',
      at: '2026-11-24T00:00:11.000Z',
      outcome: { kind: 'not_sent', failure },
    } as const;
    const found = recordOf('web', [never, again('2026-11-24T00:01:00.000Z'), AMBIGUOUS, ADOPT]);
    expect(durationOf(found, NOW)).to.equal(NOW - Date.parse('2026-11-24T00:01:00Z'));
  });

  it('is shown as adopted, not as started, if no answer showed the start', () => {
    expect(stateShowText(recordOf('web', [AMBIGUOUS, ADOPT]), at(80)))
      .to.match(/adopted: +11m 48s ago \(2026-11-24T00:03:12Z\)/)
      .and.not.contain('started:');
    expect(stateShowText(running, at(80))).to.contain('started:');
  });
});
