import { expect } from 'chai';
import { advance } from '../../src/domain/record-transitions.ts';
import type { HistoryEntry } from '../../src/domain/state.ts';
import { historyJson, historyText, type ShownEntry } from '../../src/views/history-text.ts';
import { at, failedTouched, resolved, runningWithoutJob, succeeded, unknown } from './fixtures.ts';
import { expectGolden } from './golden.ts';

const fact = {
  at: '2026-11-23T22:10:00.000Z',
  actor: { who: 'ada@runner-7', operation: 'apply', version: '0.1.0' },
};
const ci = {
  ...fact.actor,
  git_commit: '1c631d145e8b18b02c2bf696dd208e0112b2e152',
  plan_digest: 'd'.repeat(64),
  waivers: ['old-backups', 'more-restores'],
} as const;

const ENTRIES: readonly HistoryEntry[] = [
  { type: 'closed', record: succeeded, serial: 4, ...fact, actor: ci },
  { type: 'closed', record: failedTouched, serial: 5, ...fact },
  { type: 'closed', record: unknown, serial: 6, ...fact },
  { type: 'closed', record: resolved, serial: 7, ...fact, actor: { ...fact.actor, operation: 'resolve' } },
  { type: 'moved', from: 'payments/db-old', to: 'billing/db', serial: 8, ...fact },
  { type: 'removed', record: succeeded, serial: 9, ...fact, actor: { ...fact.actor, operation: 'state rm' } },
  {
    type: 'pushed',
    over: { lineage: '0c1f3a52', serial: 9 },
    allowed: ['older-serial'],
    serial: 10,
    ...fact,
    actor: { ...fact.actor, operation: 'state push' },
  },
  { type: 'pushed', serial: 11, ...fact },
  {
    type: 'state_accepted',
    reason: 'the bucket was restored from its nightly copy',
    over: { lineage: '0c1f3a52', serial: 14 },
    records: [{ address: 'payments/db-log' }],
    serial: 15,
    ...fact,
    actor: { ...fact.actor, operation: 'state accept' },
  },
];
const SHOWN = ENTRIES.map((entry, index): ShownEntry => {
  const chain_break = index === 1 ? 'accepted' : index === 7 ? 'not_accepted' : undefined;
  return { entry, hash: 'f'.repeat(64), chain_break };
});

describe('the text of the history', () => {
  it('matches the golden file for each kind of entry', () => {
    expectGolden(
      'state-history',
      `${historyText(SHOWN, ENTRIES.length, at(80))}\n${historyText(SHOWN, 20, at(140))}`,
    );
  });

  it('shows the request id if the cloud has no jobs', () => {
    const record = advance(runningWithoutJob, { type: 'succeed', at: '2026-11-24T00:12:16.000Z' });
    const text = historyText(
      [{ entry: { type: 'closed', record, serial: 4, ...fact }, hash: '' }],
      1,
      at(120),
    );
    expect(text).to.contain(`request ${record.attempts[0]?.request_id}`).and.not.contain('job ');
  });

  it('says that there is no entry, or none that matches', () => {
    expect(historyText([], 0, at(80))).to.equal('No history yet.\n');
    expect(historyText([], 7, at(80))).to.equal('0 entries of 7.\n');
  });

  it('has each key in JSON, with null for missing values', () => {
    const { entries: items } = historyJson(ENTRIES.map((entry) => ({ entry, hash: 'f'.repeat(64) })));
    const keys = Object.keys(items[0] ?? {});
    expect(keys).to.include.members([
      'who',
      'at',
      'git_commit',
      'plan_digest',
      'job_id',
      'outcome',
      'waivers',
      'reason',
    ]);
    for (const item of items) {
      expect(Object.keys(item)).to.deep.equal(keys);
      expect(Object.values(item)).to.not.include(undefined);
    }
    expect(items[0]).to.include({
      git_commit: ci.git_commit,
      plan_digest: ci.plan_digest,
      outcome: 'succeeded',
    });
    expect(items[4]).to.include({ event: 'moved', address: 'billing/db', moved_from: 'payments/db-old' });
    expect(items[6]?.pushed).to.deep.equal({
      over: { lineage: '0c1f3a52', serial: 9 },
      allowed: ['older-serial'],
    });
  });
});
