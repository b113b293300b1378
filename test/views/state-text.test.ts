import { expect } from 'chai';
import type { RestoreRecord } from '../../src/domain/record.ts';
import { emptyState, type State } from '../../src/domain/state.ts';
import { lockInfoText, lockText, unlockedText } from '../../src/views/lock-text.ts';
import { stateListJson, stateShowJson } from '../../src/views/state-json.ts';
import { stateListText, stateShowText } from '../../src/views/state-text.ts';
import {
  adopted,
  at,
  failedTouched,
  failedUntouched,
  intended,
  NOW,
  resolved,
  running,
  succeeded,
  TARGET,
  unknown,
} from './fixtures.ts';
import { expectGolden } from './golden.ts';

function stateOf(...records: readonly RestoreRecord[]): State {
  return {
    ...emptyState('0c1f3a52', TARGET, '2026-11-20T00:00:00.000Z'),
    records: new Map(records.map((record) => [record.address, record])),
  };
}

describe('the text of a state', () => {
  it('matches the golden file for the list', () => {
    const state = stateOf(unknown, succeeded, adopted, running, failedTouched);
    expectGolden('state-list', `${stateListText(state, at(80))}\n${stateListText(state, at(120))}`);
  });

  it('suggests wait if only time is needed', () => {
    const text = stateListText(stateOf(succeeded, running), at(80));
    expect(text).to.include('vbsctl wait').and.not.include('state show');
    expect(stateListText(stateOf(intended), at(80)))
      .to.include('1 begun')
      .and.include('vbsctl wait');
    expect(stateListText(stateOf(succeeded), at(80))).to.not.include('→');
  });

  it('matches the golden file for each kind of record', () => {
    const records = {
      unknown,
      succeeded,
      adopted,
      running,
      intended,
      failedTouched,
      failedUntouched,
      resolved,
    };
    expectGolden(
      'state-show',
      Object.values(records)
        .map((record) => stateShowText(record, at(80)))
        .join('\n'),
    );
  });

  it('suggests an unused generation, not the next number', () => {
    const text = stateShowText(failedTouched, { ...at(80), nextGeneration: () => 7 });
    expect(text.replace(/\s+/g, ' ')).to.include('raise generation to 7, then: vbsctl plan');
  });

  it('says that there is no record', () => {
    expect(stateListText(stateOf(), at(80))).to.equal('No records yet.\n');
  });

  it('has each key of a record in JSON, with null for missing values', () => {
    const [first, second] = stateListJson([intended, succeeded].toReversed()).records;
    expect(first).to.include({
      address: 'payments/data',
      status: 'succeeded',
      job_id: '70a583b2e1c94d7f8a6b5c4d3e2f1a09',
      evidence: 'accepted',
      generation: 1,
      finished_at: '2026-11-24T00:12:16.000Z',
    });
    expect(first?.request_ids).to.deep.equal(['req-5d1f2a8c-30b7-4e55-9a0e-6f7c8d9e0a1b']);
    expect(second).to.include({ address: 'payments/log', job_id: null, started_at: null, reason: null });
    expect(Object.keys(first ?? {})).to.deep.equal(Object.keys(second ?? {}));
    expect(stateListJson([unknown]).records[0]?.reason).to.contain('the disk changed');
  });

  it('shows a record whole in JSON', () => {
    expect(stateShowJson(unknown)).to.deep.equal({ format: 1, ...unknown, job_id: null });
  });
});

describe('the text of a lock', () => {
  it('shows the holder, its host and the time', () => {
    expect(
      lockText(
        {
          id: 'x',
          who: 'mira@ci',
          host: 'runner-7',
          pid: 4711,
          operation: 'apply',
          since: '2026-11-24T00:03:00.000Z',
        },
        NOW,
      ),
    ).to.equal('mira@ci (process 4711 on runner-7), apply since 12m ago (2026-11-24T00:03:00Z)');
  });

  it('leaves out what the server does not return', () => {
    const untold = {};
    expect(lockText(untold, NOW)).to.equal('an unknown user, another run');
    expect(unlockedText('s3://b/k', { ...untold, who: 'mira' }, at(80))).to.equal(
      'Unlocked s3://b/k.\nIt was held by mira, another run.\n',
    );
    expect(lockInfoText('s3://b/k', untold, at(80))).to.match(
      /is locked\nby an unknown user.*vbsctl unlock ID\n$/s,
    );
    expect(lockInfoText('s3://b/k', undefined, at(80))).to.equal('s3://b/k is not locked.\n');
  });
});
