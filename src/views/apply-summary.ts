import { firstLines } from '../domain/abbreviate.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import type { End, NotStarted, RunSummary } from '../domain/events.ts';
import { grouped } from '../domain/grouped.ts';
import { type Plan, totals } from '../domain/plan.ts';
import { type RestoreRecord, statusWord } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import { indentedRemedy, positionText } from './diagnostics.ts';
import { leftOutLines } from './plan/parts.ts';
import { reattachLines } from './reattach-text.ts';
import {
  attemptLines,
  durationOf,
  idColumns,
  observationLines,
  outcomeText,
  type RemedyOptions,
  recordRemedies,
  STATUS_SIGNS,
  statusPaint,
  subjectLines,
} from './record-text.ts';
import type { EndedRestore, RunReport } from './run-report.ts';
import { type Column, tableLines } from './table.ts';
import {
  indent,
  joinLines,
  LABEL_INDENT,
  type Paint,
  type Style,
  sanitize,
  type TextOptions,
  wrap,
} from './terminal.ts';
import { listed, phrasesOf, plural } from './words.ts';

type SummaryOptions = TextOptions & RemedyOptions;

/** The report of a run: table, totals, and for each restore that did not succeed the evidence and the next command. */
export function applySummary(
  report: RunReport,
  plan: Plan,
  options: SummaryOptions,
  command: 'Apply' | 'Wait' = 'Apply',
): string {
  const rows = rowsOf(report, plan);
  const blocked = rows.filter(({ end }) => end.kind === 'blocked');
  const others = rows.filter(({ end }) => end.kind !== 'blocked');
  const unknown = unknownRows(rows);
  return joinLines([
    ...(others.length === 0 ? [] : [...tableLines(summaryColumns(options), others, options), '']),
    ...totalsLines(report, plan, options, command),
    ...[...unknown, ...recordedRows(rows, 'failed')].flatMap((row) => ['', ...evidenceLines(row, options)]),
    ...groupLines(
      recordedRows(rows, 'running'),
      STATUS_SIGNS.running,
      'still running in the cloud',
      'to wait for the end: vbsctl wait',
      options,
    ),
    ...groupLines(
      recordedRows(rows, 'intended').filter(({ refused }) => !refused),
      STATUS_SIGNS.intended,
      'request sent, outcome open',
      'to resume it: vbsctl apply (if it is no longer declared: vbsctl status)',
      options,
    ),
    ...recordedRows(rows, 'intended').flatMap((row) => refusedLines(row, options)),
    ...groupLines(
      rows.filter(({ end }) => end.kind === 'unsaved'),
      '!',
      'not saved: the state could not be written any more',
      'save it with the command shown above, then: vbsctl apply',
      options,
    ),
    ...notStartedLines(rows, options),
    ...blockedLines(blocked, options),
    ...reattachLines(rows, options),
    ...(unknown.length > 0 ? ['', ...resolveHelp(options)] : []),
  ]);
}

interface RecordRow extends EndedRestore {
  readonly record: RestoreRecord;
  /** Present if today's policy forbids sending it again. */
  readonly refused?: readonly Diagnostic[] | undefined;
}

/** In the order of the plan; restores that the plan does not have come last. */
function rowsOf({ ends }: RunReport, plan: Plan): EndedRestore[] {
  const remaining = new Map(ends);
  const rows: EndedRestore[] = [];
  for (const action of plan.actions) {
    const end = remaining.get(action.address);
    if (!end) continue;
    remaining.delete(action.address);
    rows.push({ address: action.address, action, end });
  }
  for (const [address, end] of remaining) rows.push({ address, action: undefined, end });
  return rows;
}

function recordedRows(rows: readonly EndedRestore[], status: RestoreRecord['status']): RecordRow[] {
  return rows.flatMap((row) => {
    if (row.end.kind !== 'recorded' || row.end.record.status !== status) return [];
    const { record, policy_violations: refused } = row.end;
    return [{ ...row, record, refused }];
  });
}

/** The unknown outcomes of this run and those that block restores, each once: one may block several. */
function unknownRows(rows: readonly EndedRestore[]): RecordRow[] {
  const byAddress = new Map<Address, RecordRow>();
  for (const row of rows) {
    const { end } = row;
    if (end.kind === 'recorded' && end.record.status === 'unknown')
      byAddress.set(end.record.address, { ...row, record: end.record });
    if (end.kind === 'blocked' && end.unknown && !byAddress.has(end.unknown.address))
      byAddress.set(end.unknown.address, { ...row, record: end.unknown });
  }
  return [...byAddress.values()];
}

function summaryColumns({ style, now }: TextOptions): Column<EndedRestore>[] {
  return [
    { title: 'RESTORE', cell: ({ address }) => address },
    {
      title: 'DISK',
      cell: ({ action, end }) => action?.volume.name ?? recordOfEnd(end)?.names.volume_name ?? '',
      droppable: true,
    },
    { title: 'RESULT', cell: ({ end }) => resultText(end), paint: ({ end }) => paintOf(end, style) },
    {
      title: 'TIME',
      align: 'right',
      cell: ({ end }) => {
        const record = recordOfEnd(end);
        const took = record && durationOf(record, now);
        return took === undefined ? '' : formatDuration(took);
      },
    },
    ...idColumns<EndedRestore>(({ end }) => recordOfEnd(end)),
  ];
}

/** The record that this run made or followed. */
function recordOfEnd(end: End): RestoreRecord | undefined {
  return end.kind === 'recorded' || end.kind === 'unsaved' ? end.record : undefined;
}

function resultText(end: End): string {
  if (end.kind === 'not_started') return 'not started';
  if (end.kind === 'blocked') return 'blocked';
  const { record } = end;
  if (end.kind === 'unsaved') return `${statusWord(record.status)}, not saved`;
  if (record.status === 'succeeded' && record.evidence === 'adopted') return 'succeeded (adopted)';
  return record.status === 'running' ? 'still running' : statusWord(record.status);
}

function paintOf(end: End, style: Style): Paint {
  if (end.kind === 'unsaved') return style.bad;
  return end.kind === 'recorded' ? statusPaint(end.record.status, style) : style.faint;
}

/** `Apply: 8 succeeded, 1 failed, 1 unknown.`, then duration and requests. */
function totalsLines(
  { summary, halted }: RunReport,
  plan: Plan,
  { style, width }: TextOptions,
  command: string,
): string[] {
  if (!summary) return [style.strong(style.bad(`${command} stopped early; run it again to resume.`))];
  return [
    style.strong(runSummaryText(summary, plan, command)),
    ...leftOutLines(plan.left_out, width).map(style.warn),
    ...wrap(workText(summary), width).map(style.faint),
    ...(halted ? wrap(`Halted: ${sanitize(halted)}.`, width).map(style.warn) : []),
  ];
}

/** `Apply: 8 succeeded, 1 failed, 1 unknown, 2 not started, 3 done before.` */
function runSummaryText(summary: RunSummary, plan: Plan, command: string): string {
  const { noop, expired } = totals(plan);
  const parts = phrasesOf([
    [summary.succeeded, 'succeeded'],
    [summary.failed, 'failed'],
    [summary.unknown, 'unknown'],
    [summary.running, 'still running'],
    [summary.intended, 'sent (outcome open)'],
    [summary.unsaved, 'not saved'],
    [summary.not_started, 'not started'],
    [summary.blocked, 'blocked'],
    [noop, 'done before'],
    [expired, 'expired'],
  ]);
  return `${command}: ${parts.length === 0 ? 'nothing to do' : parts.join(', ')}.`;
}

/** `3 started, 1 adopted (…) in 12m 8s with 143 requests, about 29 for each restore.` The requests include tokens and the plan. */
function workText(summary: RunSummary): string {
  const { started, adopted, duration_ms, requests, slowdowns } = summary;
  const { succeeded, failed, unknown, running, intended, unsaved } = summary;
  const restores = succeeded + failed + unknown + running + intended + unsaved;
  const begun = phrasesOf([
    [started, 'started'],
    [adopted, 'adopted (no answer, but disk and backup prove the restore)'],
  ]);
  const each = restores > 1 ? `, about ${grouped(Math.round(requests / restores))} for each restore` : '';
  const slowed = slowdowns > 0 ? ` The cloud asked to slow down ${plural(slowdowns, 'time')}.` : '';
  const what = begun.length === 0 ? 'Ended' : begun.join(', ');
  return `${what} in ${formatDuration(duration_ms)} with ${plural(requests, 'request')}${each}.${slowed}`;
}

const OBSERVATIONS_LISTED_MAX = 2;

function evidenceLines({ record, action }: RecordRow, options: SummaryOptions): string[] {
  const paint = statusPaint(record.status, options.style);
  const declaredAt = action && positionText(action.source);
  return [
    ...summaryHeading(STATUS_SIGNS[record.status], record.address, outcomeText(record), paint, options),
    ...subjectLines(record, options),
    ...attemptLines(record, options),
    ...(record.status === 'unknown' ? observationLines(record, OBSERVATIONS_LISTED_MAX, options) : []),
    ...recordRemedies(record, options, declaredAt).flatMap((step) => indentedRemedy(step, options)),
  ];
}

function summaryHeading(
  sign: string,
  address: Address,
  text: string,
  paint: Paint,
  { style, width }: TextOptions,
): string[] {
  const [first = '', ...more] = wrap(`${sanitize(address)} ${text}`, width - 2);
  return [`${paint(sign)} ${style.strong(first)}`, ...indent(more, 2)];
}

/** A restore of an earlier run that the cloud did not start and that the policy no longer allows. */
function refusedLines({ address, record, refused }: RecordRow, options: SummaryOptions): string[] {
  if (!refused) return [];
  const { style, width } = options;
  return [
    '',
    ...summaryHeading('!', address, 'begun, and not sent again: the policy refuses it', style.warn, options),
    ...refused.flatMap(({ summary, remedy }) => [
      ...indent(wrap(sanitize(summary), width - LABEL_INDENT), LABEL_INDENT),
      ...(remedy === undefined ? [] : indentedRemedy(remedy, options)),
    ]),
    ...indentedRemedy(
      `or give it up (reads the cloud first): vbsctl resolve ${shellOperand(record.address)} --as not-started --reason "…"`,
      options,
    ),
  ];
}

const ADDRESSES_LISTED_MAX = 8;

/** Each with its first reason; the plan shows all of them. */
function blockedLines(rows: readonly EndedRestore[], options: TextOptions): string[] {
  if (rows.length === 0) return [];
  const { style, width } = options;
  const shown = firstLines(rows, ADDRESSES_LISTED_MAX, ({ address, end }) => {
    const [first, ...more] = end.kind === 'blocked' ? end.reasons : [];
    const rest = more.length === 0 ? '' : ` (and ${plural(more.length, 'more reason')})`;
    return `${sanitize(address)}: ${sanitize(first?.summary ?? 'blocked')}${rest}`;
  });
  return [
    '',
    ...summaryHeading('!', grouped(rows.length), 'blocked, left out', style.warn, options),
    ...indent(
      shown.flatMap((line) => wrap(line, width - LABEL_INDENT)),
      LABEL_INDENT,
    ),
    ...indentedRemedy('to see what blocks each of them: vbsctl plan', options),
  ];
}

/** By reason: after a halt, hundreds may have the same. */
function notStartedLines(rows: readonly EndedRestore[], options: TextOptions): string[] {
  const byReason = new Map<
    string,
    { readonly code: NotStarted; readonly reason: string; readonly rows: EndedRestore[] }
  >();
  for (const row of rows) {
    if (row.end.kind !== 'not_started') continue;
    const { code, reason } = row.end;
    const key = `${code} ${reason}`;
    const group = byReason.get(key) ?? { code, reason, rows: [] };
    group.rows.push(row);
    byReason.set(key, group);
  }
  return [...byReason.values()].flatMap(({ code, reason, rows: same }) =>
    groupLines(same, '-', `not started: ${sanitize(reason)}`, NOT_STARTED_STEPS[code], options),
  );
}

const NOT_STARTED_STEPS: Readonly<Record<NotStarted, string>> = {
  not_ready: 'make it ready (vbsctl plan shows how), then: vbsctl apply',
  dependency: 'after its dependencies have succeeded: vbsctl apply',
  halted: 'after you fix the cause of the failures: vbsctl apply',
  interrupted: 'to start it: vbsctl apply',
  cloud: 'to start it: vbsctl apply',
  busy: 'to start it: vbsctl apply',
  policy: 'to see the limits, and the option that lifts each: vbsctl plan',
  changed: 'it is no longer what was planned; to see what it is now: vbsctl plan',
  expired: 'to run it anyway, raise valid_until, then: vbsctl plan',
};

/** Several restores with the same outcome and the same next step. */
function groupLines(
  rows: readonly EndedRestore[],
  sign: string,
  what: string,
  step: string,
  options: TextOptions,
): string[] {
  if (rows.length === 0) return [];
  const { style, width } = options;
  const addresses = rows.map(({ address }) => address);
  const title = rows.length === 1 ? (addresses[0] ?? '') : grouped(rows.length);
  return [
    '',
    ...summaryHeading(sign, title, what, style.warn, options),
    ...(rows.length === 1
      ? []
      : indent(wrap(listed(addresses, ADDRESSES_LISTED_MAX), width - LABEL_INDENT), LABEL_INDENT)),
    ...indentedRemedy(step, options),
  ];
}

/** Shown once for all unknown outcomes. */
function resolveHelp({ style, width }: TextOptions): string[] {
  return [
    ...wrap(
      'vbsctl cannot determine an unknown outcome. Check the disk, then run vbsctl resolve with --as',
      width,
    ),
    ...[
      ['succeeded', 'the disk holds the data of the backup'],
      ['not-started', 'the disk still holds its old data; the next apply starts the restore'],
      ['failed', 'the disk may be half written; raise generation to restore it again'],
    ].map(([as = '', meaning = '']) => `  ${style.accent(as.padEnd(11))}  ${meaning}`),
  ];
}
