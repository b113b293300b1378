import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import { remedyOf } from '../domain/preflight.ts';
import {
  type Attempt,
  doubtOf,
  doubtWhenSent,
  type Intended,
  isShown,
  jobIdOf,
  type Observation,
  type RestoreRecord,
  type Running,
  requestInsteadOfJob,
  type Seen,
  type Succeeded,
  sameSeen,
  statusOf,
  type Unknown,
} from '../domain/record.ts';
import { resolveCommand } from '../domain/resolve-command.ts';
import {
  labelled,
  type Paint,
  type Style,
  sanitize,
  type TextOptions,
  VALUE_COLUMN,
  wrap,
} from './terminal.ts';
import { answerText, between, failureText, plural, size, utc, when } from './words.ts';

/** What one record says, in the pieces that plan, summary and `state show` share. */

export const STATUS_SIGNS: Readonly<Record<RestoreRecord['status'], string>> = {
  intended: '»',
  running: '»',
  succeeded: '✓',
  failed: '✗',
  unknown: '?',
};

export function statusPaint(status: RestoreRecord['status'], style: Style): Paint {
  switch (status) {
    case 'succeeded':
      return style.good;
    case 'failed':
      return style.bad;
    case 'unknown':
    case 'intended':
      return style.warn;
    case 'running':
      return style.accent;
    default:
      return unreachable(status);
  }
}

/** How it stands, in a sentence without times: `failed, the disk may have been touched: …` */
export function outcomeText(record: RestoreRecord): string {
  switch (record.status) {
    case 'intended':
      return `begun, ${INTENDED[intendedKind(record)]}`;
    case 'running':
      return `running in the cloud${howText(record.evidence)}`;
    case 'succeeded':
      return `succeeded${howText(record.evidence)}`;
    case 'failed':
      return `failed, ${record.touched === 'no' ? 'the disk was not touched' : 'the disk may have been touched'}: ${sanitize(record.reason)}`;
    case 'unknown':
      return `unknown: ${sanitize(record.cause)}`;
    default:
      return unreachable(record);
  }
}

const INTENDED = { open: 'its answer was never recorded', answered: 'not accepted so far' };

function intendedKind({ attempts }: RestoreRecord): keyof typeof INTENDED {
  return attempts.at(-1)?.answer === undefined ? 'open' : 'answered';
}

/** By what it is known; a yes of the cloud goes without saying. */
function howText(evidence: (RestoreRecord & { status: 'succeeded' })['evidence']): string {
  switch (evidence) {
    case 'accepted':
      return '';
    case 'adopted':
      return ' (adopted)';
    case 'resolved':
      return ' (resolved by hand)';
    case 'imported':
      return ' (done by hand, imported)';
    default:
      return unreachable(evidence);
  }
}

/**
 * How long the restore took, or takes so far, ms: from the yes; where none came and it was found under way, from the
 * first request that can have begun it, which is never too short. Undefined when the cloud never began it.
 */
export function durationOf(record: RestoreRecord, now: number): number | undefined {
  const first = record.attempts[0]?.intended_at;
  switch (record.status) {
    case 'intended':
      return undefined;
    case 'running':
      return elapsed(Date.parse(beganBy(record) ?? record.started_at), now);
    case 'succeeded':
      return between(beganBy(record) ?? record.started_at ?? first, record.finished_at);
    case 'failed':
      return between(first, record.finished_at);
    case 'unknown':
      return between(first, record.updated_at);
    default:
      return unreachable(record);
  }
}

function beganBy({ evidence, attempts }: Running | Succeeded): string | undefined {
  if (evidence !== 'adopted') return undefined;
  const first =
    attempts.find((attempt) => doubtOf(attempt) !== 'none') ??
    attempts.find((attempt) => doubtWhenSent(attempt) !== 'none');
  return first?.intended_at;
}

function elapsed(from: number, now: number): number | undefined {
  return Number.isNaN(now - from) ? undefined : Math.max(0, now - from);
}

/** Disk and backup, names first. */
export function subjectLines(record: RestoreRecord, { style, now }: TextOptions): string[] {
  const { names } = record;
  return [
    ...labelled(
      'disk',
      [sanitize(names.volume_name) || '(no name)', style.faint(sanitize(record.volume_id))],
      style,
    ),
    ...labelled(
      'backup',
      [
        [
          sanitize(names.backup_name) || '(no name)',
          size(names.size),
          when(names.backup_created_at, now),
        ].join('  '),
        style.faint(sanitize(record.backup_id)),
      ],
      style,
    ),
  ];
}

/** Every POST: when, what came back, the ids that the cloud's support asks for. */
export function attemptLines(record: RestoreRecord, { style, width }: TextOptions): string[] {
  const { attempts } = record;
  return attempts.flatMap((attempt, index) =>
    labelled(
      attempts.length === 1 ? 'attempt' : `attempt ${index + 1}`,
      [...wrap(attemptText(attempt), width - VALUE_COLUMN), ...idsOf(attempt).map((id) => style.faint(id))],
      style,
    ),
  );
}

function attemptText({
  intended_at,
  answered_at,
  answer,
  failure,
  written_late_ms,
  settled,
}: Attempt): string {
  const took = between(intended_at, answered_at);
  const after = took === undefined ? '' : ` after ${formatDuration(took)}`;
  const because = failure ? `: ${failureText(failure)}` : '';
  const late =
    written_late_ms === undefined
      ? ''
      : `; sent ${formatDuration(written_late_ms)} after its last check, when it should not have left any more`;
  const outcome = settled
    ? `; it did not start: the disk did not move for ${formatDuration(settled.for_ms)}`
    : '';
  return `${utc(intended_at)}, ${answerText(answer)}${after}${because}${late}${outcome}`;
}

function idsOf({ job_id, request_id, failure }: Attempt): string[] {
  const request = request_id ?? failure?.request_id;
  return [
    ...(job_id === undefined ? [] : [`job ${sanitize(job_id)}`]),
    ...(request === undefined ? [] : [`request ${sanitize(request)}`]),
  ];
}

/**
 * Disk and backup before the first attempt and as seen since, what moved is marked; the last `shown` looks. Then what
 * they rule out, or what success rests on.
 */
export function lookLines(record: RestoreRecord, shown: number, { style, width }: TextOptions): string[] {
  const { baseline } = record;
  const looks = looksOf(record);
  const left = looks.length - shown;
  return [
    ...labelled('before', lookText(baseline, baseline, style), style),
    ...(left > 0
      ? labelled(
          'earlier',
          [`${plural(left, 'look')}: vbsctl state show ${shellOperand(record.address)}`],
          style,
        )
      : []),
    ...looks.slice(-shown).flatMap((look) => labelled('seen', lookText(look, baseline, style), style)),
    ...contradictionLines(record, style, width),
    ...(record.status === 'succeeded' ? observedLines(record, style) : []),
  ];
}

function looksOf(record: RestoreRecord): readonly Observation[] {
  if (record.status === 'unknown') return record.observations;
  return 'history' in record ? (record.history?.looks ?? []) : [];
}

function contradictionLines(record: RestoreRecord, style: Style, width: number): string[] {
  const contradiction = 'history' in record ? record.history?.contradiction : undefined;
  if (!contradiction) return [];
  const text = sanitize(contradiction.because);
  return labelled('not ours', wrap(text, width - VALUE_COLUMN).map(style.warn), style);
}

function observedLines({ observed, baseline }: Succeeded, style: Style): string[] {
  if (!observed) return [];
  const { at, job, volume, backup } = observed;
  if (job) return labelled('seen', [utc(at), `job ${sanitize(job.id)}  ${sanitize(job.status)}`], style);
  return volume && backup ? labelled('seen', lookText({ at, volume, backup }, baseline, style), style) : [];
}

function lookText(look: Observation, baseline: Observation, style: Style): string[] {
  const widest = Math.max(statusOf(look.volume).length, statusOf(look.backup).length);
  const line = (what: string, seen: Seen, before: Seen) => {
    const text = [
      what,
      sanitize(statusOf(seen)).padEnd(widest),
      ...(isShown(seen) && seen.updated_at !== undefined ? [`updated ${utc(seen.updated_at)}`] : []),
      ...(isShown(seen) && seen.src_backup_id !== undefined
        ? [`restored from ${sanitize(seen.src_backup_id)}`]
        : []),
    ].join('  ');
    return sameSeen(seen, before) ? text : style.warn(`${text}  ← moved`);
  };
  return [
    utc(look.at),
    line('disk  ', look.volume, baseline.volume),
    line('backup', look.backup, baseline.backup),
  ];
}

/** What the text of a record that failed needs to know of all the others. */
export interface StepOptions {
  /** The lowest generation that would do once more what the record stands for. */
  readonly nextGeneration: (record: RestoreRecord) => number;
}

/** What to type next about one record; nothing when it is done. `at`: where its generation is declared. */
export function nextSteps(record: RestoreRecord, { nextGeneration }: StepOptions, at?: string): string[] {
  switch (record.status) {
    case 'succeeded':
      return [];
    case 'intended':
    case 'running':
    case 'unknown':
      return openSteps(record);
    case 'failed': {
      if (record.touched === 'no') {
        const remedy = remedyOf(record.attempts.at(-1)?.failure?.code);
        return [...(remedy === undefined ? [] : [remedy]), 'to try it again: vbsctl apply'];
      }
      const raise = `to restore it again: raise generation to ${nextGeneration(record)}${at ? ` at ${at}` : ''}, then: vbsctl apply`;
      return record.resolution
        ? [raise]
        : [raise, `or, if you know better: ${resolveCommand(record.address)}`];
    }
    default:
      return unreachable(record);
  }
}

/** What to type next about one whose outcome is still to come. */
export function openSteps(record: Intended | Running | Unknown): string[] {
  switch (record.status) {
    case 'intended':
      return ['to resume it: vbsctl apply'];
    case 'running':
      return [`to wait for its end: vbsctl wait ${shellOperand(record.address)}`];
    case 'unknown':
      return [`check the disk, then: ${resolveCommand(record.address)}`];
    default:
      return unreachable(record);
  }
}

/** Where an earlier run left it, for who is asked to go on. */
export function progressSoFar(
  record: RestoreRecord & { readonly status: 'intended' | 'running' },
  { style, now }: TextOptions,
): string[] {
  const job = jobIdOf(record);
  const request = requestInsteadOfJob(record);
  return [
    record.status === 'running'
      ? `${record.evidence === 'adopted' ? 'found running' : 'accepted'} ${when(record.started_at, now)}`
      : `begun ${when(record.updated_at, now)}, ${INTENDED[intendedKind(record)]}`,
    ...(job === undefined ? [] : [style.faint(`job ${sanitize(job)}`)]),
    ...(request === undefined ? [] : [style.faint(`request ${sanitize(request)}`)]),
  ];
}
