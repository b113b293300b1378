import { expect } from 'chai';
import { toJson } from '../../src/domain/escape/json.ts';
import type { OpenRestore } from '../../src/domain/open-restores.ts';
import { type Status, statusJson, statusText, ticketLines } from '../../src/views/status-text.ts';
import { at, intended, running, runningWithoutJob, succeeded, TARGET, unknown } from './fixtures.ts';
import { expectGolden, expectHarmless } from './golden.ts';

const OPEN = [
  {
    record: unknown,
    blocks: [
      { address: 'payments/db-data', reason: 'same_volume' },
      { address: 'payments/web', reason: 'depends_on' },
    ],
    declared: true,
  },
  { record: running, blocks: [], declared: true },
  { record: intended, blocks: [], declared: false },
] as readonly OpenRestore[];

const LOCK = {
  id: '3f0c2a9e',
  who: 'alice@runner-7',
  host: 'runner-7',
  pid: 4711,
  operation: 'apply',
  since: '2026-11-24T00:03:00.000Z',
};

function status(more: Partial<Status> = {}): Status {
  return {
    target: TARGET,
    location: 'vbsctl.state.json',
    lock: undefined,
    open: OPEN,
    total: 9,
    failed: 0,
    ...more,
  };
}

describe('the text of the status', () => {
  it('matches the golden files in each form', () => {
    expectGolden(
      'status',
      [
        statusText(status({ lock: LOCK }), { ...at(100), detailed: true }),
        statusText(status(), { ...at(100), detailed: false }),
        statusText(status({ open: [] }), { ...at(100), detailed: true }),
        statusText(status({ open: [], lock: LOCK }), { ...at(100), detailed: true }),
        statusText(status({ open: OPEN.slice(1, 2), lock: LOCK }), { ...at(100), detailed: false }),
        statusText(status({ open: OPEN.slice(1, 2), closed: [succeeded] }), { ...at(100), detailed: true }),
        statusText(status({ open: [], closed: [succeeded] }), { ...at(100), detailed: true }),
      ].join('\n'),
    );
  });

  it('has everything in the ticket that the cloud’s support asks for', () => {
    const text = ticketLines(unknown, TARGET).join('\n');
    for (const id of [
      TARGET.project_id,
      TARGET.region,
      unknown.volume_id,
      unknown.backup_id,
      ...unknown.attempts.flatMap(({ request_id, failure }) => request_id ?? failure?.request_id ?? []),
    ])
      expect(text).to.include(id);
  });

  it('speaks of no job where the cloud has none: of the restore, and of the request that was accepted', () => {
    const request = runningWithoutJob.attempts[0]?.request_id;
    const open = [{ record: runningWithoutJob, blocks: [], declared: true }] as readonly OpenRestore[];
    for (const detailed of [true, false]) {
      const text = statusText(status({ open }), { ...at(120), detailed });
      expect(text)
        .to.include(request)
        .and.not.match(/\bjob\b/i);
    }
    expect(statusText(status({ open }), { ...at(120), detailed: false })).to.include('REQUEST');
    expect(ticketLines(runningWithoutJob, TARGET)[0]).to.equal(
      'What is the status of this restore, and will it end?',
    );
    expect(ticketLines(unknown, TARGET).join('\n')).to.not.match(/\bjob\b/i);
    const mixed = [...OPEN, ...open];
    expect(statusText(status({ open: mixed }), { ...at(160), detailed: false })).to.match(/ JOB +REQUEST\n/);
  });

  it('has the same content as JSON', () => {
    const { open, lock } = statusJson(status());
    expect(lock).to.equal(null);
    expect(open.map(({ status: each }) => each)).to.deep.equal(['unknown', 'running', 'intended']);
    for (const each of open) expect(each.ticket).to.include(each.volume_id);
  });

  it('escapes hostile names', () => {
    const evil = '\u001b[31m\u202e\n\r\u0085\u2028x';
    const record = {
      ...unknown,
      address: evil,
      cause: evil,
      names: { ...unknown.names, volume_name: evil, backup_name: evil },
    };
    const open = [
      { record, blocks: [{ address: evil, reason: 'same_volume' }], declared: false },
    ] as readonly OpenRestore[];
    const hostile = status({ open, location: evil, lock: { ...LOCK, who: evil, host: evil } });
    expectHarmless(statusText(hostile, { ...at(100), detailed: true }));
    expectHarmless(statusText(hostile, { ...at(100), detailed: false }));
    expectHarmless(statusText(status({ open: [], closed: [record] }), { ...at(100), detailed: true }));
    expectHarmless(toJson(statusJson(hostile), 2));
  });
});
