import { expect } from 'chai';
import { exitCodeOf } from '../../src/cli/exit-code.ts';
import { error } from '../../src/domain/diagnostic.ts';
import type { End, NotStarted } from '../../src/domain/events.ts';
import type { RestoreRecord, Unknown } from '../../src/domain/record.ts';
import { recordsOf, type End as Status } from '../planner/builders.ts';

const AT = '2026-11-24T00:00:00.000Z';
const why = [error('protected-volume', 'disk v1 is protected by v1')];

function record(status: Status): RestoreRecord {
  const last = recordsOf('s/a', { volume: 'v1', backup: 'b1' }, status, AT).at(-1);
  if (!last) throw new Error('no record');
  return last;
}

const recorded = (status: Status): End => ({ kind: 'recorded', record: record(status) });
const skipped = (code: NotStarted): End => ({ kind: 'not_started', code, reason: 'because' });
const blocked: End = { kind: 'blocked', reasons: why };
const unknownInTheWay: End = { ...blocked, unknown: record('unknown') as Unknown };
const notSentAgain: End = { kind: 'recorded', record: record('intended'), policy_violations: why };

describe('the exit code of a run', () => {
  const lost = { fatal: { error: new Error('disk full'), unsaved: [] } };
  const cases: readonly (readonly [
    what: string,
    ends: readonly End[],
    code: number,
    more?: { readonly stopped?: boolean; readonly refused?: boolean; readonly fatal?: typeof lost.fatal },
  ])[] = [
    ['nothing', [], 0],
    ['all done', [recorded('succeeded')], 0],
    ['one failed', [recorded('succeeded'), recorded('failed maybe')], 1],
    ['one unknown', [recorded('unknown')], 3],
    ['one still running', [recorded('running')], 6],
    ['one begun', [recorded('intended')], 6],
    ['one not ready', [skipped('not_ready')], 1],
    ['one not ready beside one running', [skipped('not_ready'), recorded('running')], 1],
    ['one that waits for a running one', [skipped('dependency'), recorded('running')], 6],
    ['one that waits for its disk', [skipped('busy'), recorded('running')], 6],
    ['one that waits for a failed one', [skipped('dependency'), recorded('failed no')], 1],
    ['one blocked, left out', [recorded('succeeded'), blocked], 5],
    ['one blocked by an unknown outcome, left out', [recorded('succeeded'), unknownInTheWay], 3],
    ['one refused by the policy at the last moment', [skipped('policy')], 5],
    ['one begun and not sent again', [notSentAgain], 5],
    ['one begun and not sent again, and what waits for it', [notSentAgain, skipped('busy')], 5],
    ['everything new refused, what ran is done', [recorded('succeeded')], 5, { refused: true }],
    ['everything new refused, nothing left under way', [], 5, { refused: true }],
    ['stopped', [recorded('running')], 130, { stopped: true }],
    ['state lost', [recorded('succeeded')], 1, lost],
    // What wins over what.
    ['unknown over state lost', [recorded('unknown')], 3, lost],
    ['unknown over a stop', [recorded('unknown')], 3, { stopped: true }],
    ['unknown over a failure', [recorded('failed no'), unknownInTheWay], 3],
    ['unknown over a refusal', [unknownInTheWay], 3, { refused: true }],
    ['state lost over a stop', [recorded('running')], 1, { ...lost, stopped: true }],
    ['a stop over a failure', [recorded('failed no')], 130, { stopped: true }],
    ['a stop over a block', [blocked], 130, { stopped: true }],
    ['a failure over a block', [recorded('failed no'), blocked], 1],
    ['a failure over a refusal', [recorded('failed no')], 1, { refused: true }],
    ['a block over what still runs', [recorded('running'), blocked], 5],
    ['a refusal over what still runs', [recorded('running')], 5, { refused: true }],
  ];
  for (const [what, ends, code, more] of cases)
    it(`is ${code}: ${what}`, () => {
      const byAddress = new Map(ends.map((end, n) => [`s/${n}`, end]));
      expect(exitCodeOf({ ends: byAddress, stopped: false, ...more })).to.equal(code);
    });
});
