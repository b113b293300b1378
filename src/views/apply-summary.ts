import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import type { End, NotStarted, RunSummary } from '../domain/events.ts';
import { type Action, type Plan, totals } from '../domain/plan.ts';
import { jobIdOf, type RestoreRecord, requestInsteadOfJob, statusWord } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import { placeText, remedyLines } from './diagnostics.ts';
import { partialLines } from './plan/parts.ts';
import { putBackLines } from './reattach-text.ts';
import {
  attemptLines,
  durationOf,
  lookLines,
  nextSteps,
  outcomeText,
  STATUS_SIGNS,
  type StepOptions,
  statusPaint,
  subjectLines,
} from './record-text.ts';
import type { RunReport } from './run-report.ts';
import { type Column, tableLines } from './table.ts';
import { indent, joinLines, LABEL_INDENT, labelled, sanitize, type TextOptions, wrap } from './terminal.ts';
import { grouped, listed, plural } from './words.ts';

export type SummaryOptions = TextOptions & StepOptions;

/**
 * What stands on the screen when a run is over: a table, the totals, and for everything that did not succeed
 * what happened, the evidence, and what to type next. Ends with a line break.
 */
export function applySummary(
  report: RunReport,
  plan: Plan,
  options: SummaryOptions,
  command: 'Apply' | 'Wait' = 'Apply',
): string {
  const { style, width } = options;
  const rows = rowsOf(report, plan);
  const { unsaved, unknown, failed, running, refused, notStarted, blocked } = sorted(rows);
  const ran = rows.filter(({ end }) => end.kind !== 'blocked');
  return joinLines([
    ...(ran.length === 0 ? [] : [...tableLines(columns(options), ran, { style, width }), '']),
    ...totalsLines(report, plan, options, command),
    ...[...unknown, ...failed].flatMap((row) => ['', ...trouble(row, options)]),
    ...runningLines(
      running.filter(({ record }) => record.status === 'running'),
      options,
    ),
    ...openLines(
      running.filter(({ record }) => record.status === 'intended'),
      options,
    ),
    ...refusedLines(refused, options),
    ...unsavedLines(unsaved, options),
    ...notStartedLines(notStarted, options),
    ...blockedLines(blocked, options),
    ...putBackLines(rows, options),
    ...(unknown.length > 0 ? ['', ...legend(options)] : []),
  ]);
}

interface Row {
  readonly address: Address;
  readonly action: Action | undefined;
  readonly end: End;
}

interface RecordRow extends Row {
  readonly record: RestoreRecord;
}

/** In the plan's order; what the plan does not know, last. */
function rowsOf({ ends }: RunReport, plan: Plan): Row[] {
  const left = new Map(ends);
  const rows: Row[] = [];
  for (const action of plan.actions) {
    const end = left.get(action.address);
    if (!end) continue;
    left.delete(action.address);
    rows.push({ address: action.address, action, end });
  }
  for (const [address, end] of left) rows.push({ address, action: undefined, end });
  return rows;
}

function sorted(rows: readonly Row[]) {
  const unsaved: Row[] = [];
  /** By address of the record: one that is unknown can be in the way of several. */
  const unknown = new Map<Address, RecordRow>();
  const failed: RecordRow[] = [];
  const running: RecordRow[] = [];
  const refused: RecordRow[] = [];
  const notStarted: Row[] = [];
  const blocked: Row[] = [];
  for (const row of rows) {
    if (row.end.kind === 'not_started') {
      notStarted.push(row);
      continue;
    }
    if (row.end.kind === 'unsaved') {
      unsaved.push(row);
      continue;
    }
    if (row.end.kind === 'blocked') {
      const { unknown: record } = row.end;
      if (record && !unknown.has(record.address)) unknown.set(record.address, { ...row, record });
      blocked.push(row);
      continue;
    }
    const { record } = row.end;
    switch (record.status) {
      case 'succeeded':
        break;
      case 'unknown':
        unknown.set(record.address, { ...row, record });
        break;
      case 'failed':
        failed.push({ ...row, record });
        break;
      case 'intended':
      case 'running':
        (row.end.refused ? refused : running).push({ ...row, record });
        break;
      default:
        unreachable(record);
    }
  }
  return { unsaved, unknown: [...unknown.values()], failed, running, refused, notStarted, blocked };
}

function columns({ style, now }: TextOptions): Column<Row>[] {
  return [
    { title: 'RESTORE', cell: ({ address }) => address },
    { title: 'DISK', cell: diskOf, droppable: true },
    { title: 'RESULT', cell: ({ end }) => resultOf(end), paint: ({ end }) => paintOf(end, style) },
    {
      title: 'TIME',
      align: 'right',
      cell: ({ end }) => {
        const record = recordOf(end);
        const took = record && durationOf(record, now);
        return took === undefined ? '' : formatDuration(took);
      },
    },
    { title: 'JOB', cell: ({ end }) => idIn(recordOf(end), jobIdOf) },
    {
      title: 'REQUEST',
      cell: ({ end }) => idIn(recordOf(end), requestInsteadOfJob),
      droppable: true,
    },
  ];
}

function diskOf({ action, end }: Row): string {
  return action?.volume.name ?? recordOf(end)?.names.volume_name ?? '';
}

/** That this run made or followed. */
function recordOf(end: End): RestoreRecord | undefined {
  return end.kind === 'not_started' || end.kind === 'blocked' ? undefined : end.record;
}

function idIn(record: RestoreRecord | undefined, of: (record: RestoreRecord) => string | undefined): string {
  return (record && of(record)) ?? '';
}

function resultOf(end: End): string {
  if (end.kind === 'not_started') return 'not started';
  if (end.kind === 'blocked') return 'blocked';
  const { record } = end;
  if (end.kind === 'unsaved') return `${statusWord(record.status)}, not saved`;
  if (record.status === 'succeeded' && record.evidence === 'adopted') return 'succeeded (adopted)';
  return record.status === 'running' ? 'still running' : statusWord(record.status);
}

function paintOf(end: End, style: TextOptions['style']) {
  if (end.kind === 'unsaved') return style.bad;
  return end.kind === 'not_started' || end.kind === 'blocked'
    ? style.faint
    : statusPaint(end.record.status, style);
}

/** `Apply: 8 succeeded, 1 failed, 1 unknown.` and below it the work that it took. */
function totalsLines(
  { summary, halted }: RunReport,
  plan: Plan,
  { style, width }: TextOptions,
  command: string,
): string[] {
  if (!summary) return [style.strong(style.bad(`${command} stopped early; run it again to resume.`))];
  return [
    style.strong(runSummaryText(summary, plan, command)),
    ...partialLines(plan.left_out, width).map(style.warn),
    ...wrap(workText(summary), width).map(style.faint),
    ...(halted ? wrap(`Halted: ${sanitize(halted.reason)}.`, width).map(style.warn) : []),
  ];
}

/** Of everything declared, what is zero left out: `Apply: 8 succeeded, 1 failed, 1 unknown, 2 not started, 3 done before.` */
function runSummaryText(summary: RunSummary, plan: Plan, command: string): string {
  const { noop, expired } = totals(plan);
  const parts = (
    [
      [summary.succeeded, 'succeeded'],
      [summary.failed, 'failed'],
      [summary.unknown, 'unknown'],
      [summary.running, 'still running'],
      [summary.intended, 'begun (not known to be running)'],
      [summary.unsaved, 'not saved'],
      [summary.not_started, 'not started'],
      [summary.blocked, 'blocked'],
      [noop, 'done before'],
      [expired, 'expired'],
    ] as const
  ).flatMap(([count, what]) => (count > 0 ? [`${grouped(count)} ${what}`] : []));
  return `${command}: ${parts.length === 0 ? 'nothing to do' : parts.join(', ')}.`;
}

function workText(summary: RunSummary): string {
  const { started, adopted, duration_ms, requests } = summary;
  const { succeeded, failed, unknown, running, intended, unsaved } = summary;
  const restores = succeeded + failed + unknown + running + intended + unsaved;
  // What a cloud is asked for each restore; tokens and the plan's own looks count, too.
  const each = restores > 1 ? `, about ${grouped(Math.round(requests / restores))} for each restore` : '';
  const slowed =
    summary.slowdowns > 0 ? ` The cloud asked to slow down ${plural(summary.slowdowns, 'time')}.` : '';
  const found = adopted > 0 ? `, ${grouped(adopted)} adopted (found running though its answer was lost)` : '';
  return `${grouped(started)} started${found}, in ${formatDuration(duration_ms)} with ${plural(requests, 'request')}${each}.${slowed}`;
}

const LOOKS_SHOWN = 2;

function trouble({ record, action }: RecordRow, options: SummaryOptions): string[] {
  const { style, width } = options;
  const paint = statusPaint(record.status, style);
  const at = action && placeText(action.source);
  return [
    ...heading(STATUS_SIGNS[record.status], record.address, outcomeText(record), paint, options),
    ...subjectLines(record, options),
    ...jobLines(record, options),
    ...attemptLines(record, options),
    ...(record.status === 'unknown' ? lookLines(record, LOOKS_SHOWN, options) : []),
    ...nextSteps(record, options, at).flatMap((step) =>
      indent(remedyLines(step, { style, width: width - LABEL_INDENT }), LABEL_INDENT),
    ),
  ];
}

function heading(
  sign: string,
  address: Address,
  text: string,
  paint: (text: string) => string,
  options: TextOptions,
): string[] {
  const { style, width } = options;
  const [first = '', ...more] = wrap(`${sanitize(address)}  ${text}`.replace(/ {2}/, ' '), width - 2);
  return [`${paint(sign)} ${style.strong(first)}`, ...indent(more, 2)];
}

function jobLines(record: RestoreRecord, { style }: TextOptions): string[] {
  const job = jobIdOf(record);
  return job === undefined ? [] : labelled('job', [sanitize(job)], style);
}

const ADDRESSES_LISTED_MAX = 8;

function runningLines(rows: readonly RecordRow[], options: TextOptions): string[] {
  return group(
    rows,
    STATUS_SIGNS.running,
    'still running in the cloud',
    'to wait for the end: vbsctl wait',
    options,
  );
}

/** Begun, and the cloud is not known to work on it. */
function openLines(rows: readonly RecordRow[], options: TextOptions): string[] {
  return group(
    rows,
    STATUS_SIGNS.intended,
    'begun; not known to be running in the cloud',
    'to resume it: vbsctl apply (if it is no longer declared: vbsctl status)',
    options,
  );
}

/** Where what could not be saved lies was said when it was put there. */
function unsavedLines(rows: readonly Row[], options: TextOptions): string[] {
  return group(
    rows,
    '!',
    'not saved: the state could not be written any more',
    'save it with the command shown above, then: vbsctl apply',
    options,
  );
}

/** Begun earlier, not started by the cloud, and not sent again: what lifts the limit, or ends the record. */
function refusedLines(rows: readonly RecordRow[], options: SummaryOptions): string[] {
  const { style, width } = options;
  return rows.flatMap(({ address, record, end }) => [
    '',
    ...heading('!', address, 'begun, and not sent again: the policy refuses it', style.warn, options),
    ...((end.kind === 'recorded' && end.refused) || []).flatMap(({ summary, remedy }) =>
      indent(
        [
          ...wrap(sanitize(summary), width - LABEL_INDENT),
          ...(remedy === undefined ? [] : remedyLines(remedy, { style, width: width - LABEL_INDENT })),
        ],
        LABEL_INDENT,
      ),
    ),
    ...indent(
      remedyLines(
        `or give it up (reads the cloud first): vbsctl resolve ${shellOperand(record.address)} --as not-started --reason "…"`,
        { style, width: width - LABEL_INDENT },
      ),
      LABEL_INDENT,
    ),
  ]);
}

/** What the plan leaves out, and the first reason of each; the plan shows them all. */
function blockedLines(rows: readonly Row[], options: TextOptions): string[] {
  if (rows.length === 0) return [];
  const { style, width } = options;
  const room = width - LABEL_INDENT;
  const shown = rows.slice(0, ADDRESSES_LISTED_MAX).flatMap(({ address, end }) => {
    const [first, ...more] = end.kind === 'blocked' ? end.reasons : [];
    const rest = more.length === 0 ? '' : ` (and ${plural(more.length, 'more reason')})`;
    return wrap(`${sanitize(address)}: ${sanitize(first?.summary ?? 'blocked')}${rest}`, room);
  });
  const left = rows.length - ADDRESSES_LISTED_MAX;
  return [
    '',
    ...heading('!', grouped(rows.length), 'blocked, left out', style.warn, options),
    ...indent([...shown, ...(left > 0 ? [`and ${grouped(left)} more`] : [])], LABEL_INDENT),
    ...indent(
      remedyLines('to see what blocks each of them: vbsctl plan', { style, width: room }),
      LABEL_INDENT,
    ),
  ];
}

/** What was not started, by its reason: after a halt it is often the same for hundreds. */
function notStartedLines(rows: readonly Row[], options: TextOptions): string[] {
  const byReason = new Map<string, { code: NotStarted; reason: string; rows: Row[] }>();
  for (const row of rows) {
    if (row.end.kind !== 'not_started') continue;
    const { code, reason } = row.end;
    const key = `${code} ${reason}`;
    const known = byReason.get(key);
    if (known) known.rows.push(row);
    else byReason.set(key, { code, reason, rows: [row] });
  }
  return [...byReason.values()].flatMap(({ code, reason, rows: same }) =>
    group(same, '-', `not started: ${sanitize(reason)}`, notStartedStep(code), options),
  );
}

function notStartedStep(code: NotStarted): string {
  switch (code) {
    case 'not_ready':
      return 'make it ready (vbsctl plan shows how), then: vbsctl apply';
    case 'dependency':
      return 'after its dependencies have succeeded: vbsctl apply';
    case 'halted':
      return 'after you fix the cause of the failures: vbsctl apply';
    case 'interrupted':
    case 'cloud':
    case 'busy':
      return 'to start it: vbsctl apply';
    case 'policy':
      return 'to see the limits, and the option that lifts each: vbsctl plan';
    case 'changed':
      return 'it is no longer what was planned; to see what it is now: vbsctl plan';
    case 'expired':
      return 'to run it anyway, raise valid_until, then: vbsctl plan';
    default:
      return unreachable(code);
  }
}

function group(
  rows: readonly Row[],
  sign: string,
  what: string,
  step: string,
  options: TextOptions,
): string[] {
  if (rows.length === 0) return [];
  const { style, width } = options;
  const addresses = rows.map(({ address }) => address);
  const room = width - LABEL_INDENT;
  const title = rows.length === 1 ? sanitize(addresses[0] ?? '') : `${grouped(rows.length)}`;
  return [
    '',
    ...heading(sign, title, what, style.warn, options),
    ...(rows.length === 1 ? [] : indent(wrap(listed(addresses, ADDRESSES_LISTED_MAX), room), LABEL_INDENT)),
    ...indent(remedyLines(step, { style, width: room }), LABEL_INDENT),
  ];
}

/** Said once, however many are unknown. */
function legend({ style, width }: TextOptions): string[] {
  return [
    ...wrap(
      'vbsctl cannot determine an unknown outcome. Check the disk, then run vbsctl resolve with --as',
      width,
    ),
    ...[
      ['succeeded', 'it holds the data of the backup'],
      ['not-started', 'it holds what it held before; the next apply starts it'],
      ['failed', 'it may be half written; raise generation to restore it again'],
    ].map(([as = '', meaning = '']) => `  ${style.accent(as.padEnd(11))}  ${meaning}`),
  ];
}
