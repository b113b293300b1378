import { expect } from 'chai';
import fc from 'fast-check';
import { toJson } from '../../src/domain/escape/json.ts';
import { emptyState, type HistoryEntry } from '../../src/domain/state.ts';
import { createApplyJson } from '../../src/views/apply-json.ts';
import { createLiveProgress, createPlainProgress } from '../../src/views/apply-progress.ts';
import { applySummary } from '../../src/views/apply-summary.ts';
import type { ApplyView } from '../../src/views/apply-view.ts';
import { diagnosticsText } from '../../src/views/diagnostics.ts';
import { historyJson, historyText } from '../../src/views/history-text.ts';
import { lockInfoText, unlockedText } from '../../src/views/lock-text.ts';
import { planText } from '../../src/views/plan/plan-text.ts';
import { planJson } from '../../src/views/plan-json.ts';
import { createRunReporter } from '../../src/views/run-report.ts';
import { stateListJson } from '../../src/views/state-json.ts';
import { stateListText, stateShowText } from '../../src/views/state-text.ts';
import { makeStyle } from '../../src/views/terminal.ts';
import { FakeClock } from './fake-clock.ts';
import {
  adopted,
  at,
  COMMANDS,
  failedTouched,
  NOW,
  PLAN,
  RUN,
  RUN_PLAN,
  resolved,
  succeeded,
  TARGET,
  unknown,
} from './fixtures.ts';
import { expectHarmless } from './golden.ts';

/** Where the types, not the world, say what a text can be. */
const CLOSED = new Set([
  'kind',
  'type',
  'cause',
  'severity',
  'evidence',
  'answer',
  'next',
  'touched',
  'as',
  'job',
  'code',
]);

/** The same data with a hostile text put into every string that somebody else could have written. */
function poison<T>(value: T, text: string, key = '', parent = ''): T {
  if (typeof value === 'string') {
    const closed = CLOSED.has(key) || (key === 'status' && parent !== 'volume' && parent !== 'backup');
    return closed && !isFreeText(key, value) ? value : (`${text}${value}` as T);
  }
  if (Array.isArray(value)) return value.map((each) => poison(each, text, key, parent)) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, poison(each, text, name, key)]),
  ) as T;
}

/** `cause` of an unknown record and `code` of a cloud's answer are texts; elsewhere they are closed. */
function isFreeText(key: string, value: string): boolean {
  return (key === 'cause' && value.includes(' ')) || (key === 'code' && value.includes('.'));
}

const HOSTILE_PIECES = [
  '\u001b[31m',
  '\u001b]8;;http://evil\u0007',
  '\u009b2J',
  '\u202e',
  '\u2066',
  '\u200f',
  '\n',
  '\r',
  '\t',
  '\u0000',
  '\u007f',
  '\u0085',
  '\u2028',
  '\u200b',
  '\ufeff',
  '\ud800',
  'データ',
  'x',
  ' ',
];

const hostile = fc.oneof(
  fc
    .array(fc.constantFrom(...HOSTILE_PIECES), { minLength: 1, maxLength: 6 })
    .map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
);

async function shown(text: string): Promise<string> {
  const plan = poison(PLAN, text);
  const runPlan = poison(RUN_PLAN, text);
  const run = poison(RUN, text);
  const records = poison([unknown, succeeded, adopted, failedTouched, resolved], text);
  const options = at(80);
  const lock = { id: text, who: text, host: text, pid: 1, operation: text, since: text };
  const reporter = createRunReporter();
  const parts: string[] = [];
  const write = (part: string) => parts.push(part);
  const clock = new FakeClock(NOW);
  const common = {
    style: makeStyle(false),
    clock,
    addresses: run.flatMap((e) => ('address' in e ? [e.address] : [])),
  };
  const region = {
    print: write,
    draw: (lines: readonly string[]) => write(lines.join('\n')),
    clear: () => {},
  };
  const views: ApplyView[] = [
    reporter,
    createLiveProgress({ ...common, region, size: () => ({ columns: 80, rows: 24 }) }),
    createPlainProgress({ ...common, write, heartbeat_ms: 1_000 }),
    createApplyJson(write),
  ];
  for (const event of run) {
    for (const view of views) view.handle(event);
    await clock.advanceTo(clock.now() + 1_000);
  }
  for (const view of views) view.end();
  const state = {
    ...emptyState('x', TARGET, ''),
    records: new Map(records.map((record, index) => [`${record.address}${index}`, record])),
  };
  const fact = poison({ at: '', actor: { who: 'w', operation: 'o', version: 'v', git_commit: 'c' } }, text);
  const history: HistoryEntry[] = [
    ...records.map((record) => ({ type: 'closed', record, serial: 1, ...fact }) as const),
    { type: 'moved', ...poison({ from: 'a/b', to: 'c/d' }, text), serial: 1, ...fact },
  ];
  return [
    ...parts,
    planText(plan, options, COMMANDS),
    planText(plan, at(120), COMMANDS),
    toJson(planJson(plan), 2),
    applySummary(reporter.report(), runPlan, options),
    stateListText(state, options),
    ...records.map((record) => stateShowText(record, options)),
    toJson(stateListJson(records)),
    historyText(
      history.map((entry) => ({ entry, hash: '' })),
      history.length,
      options,
    ),
    toJson(historyJson(history.map((entry) => ({ entry, hash: '' })))),
    diagnosticsText(plan.notices, options),
    diagnosticsText(
      [
        {
          severity: 'error',
          code: 'x',
          summary: text,
          detail: text,
          remedy: text,
          where: { file: text, line: 1, column: 2, text, address: text },
        },
      ],
      options,
    ),
    lockInfoText(text, lock, options),
    unlockedText(text, lock, options),
  ].join('\n');
}

describe('the views of hostile texts', () => {
  it('print no control sequence', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        expectHarmless(await shown(text));
      }),
      { numRuns: 60 },
    );
  });

  it('print the hostile text in escaped form', async () => {
    const text = await shown('\u001b[31m');
    expect(text).to.contain('\\x1b[31mpayments/data');
    expect(text).to.contain('\\u001b[31mpayments/data');
  });

  it('keep the data in JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), hostile, (value, text) => {
        const data = { value, text, [text]: 1 };
        expect(JSON.parse(toJson(data))).to.deep.equal(JSON.parse(JSON.stringify(data)));
        expectHarmless(toJson(data, 2));
      }),
    );
  });
});
