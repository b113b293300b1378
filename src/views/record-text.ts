import { isoTime } from '../domain/clock.ts';
import { doubtOf, doubtWhenSent } from '../domain/doubt.ts';
import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import {
  type Observation,
  type ObservedResource,
  observedStatus,
  sameResource,
  wasFound,
} from '../domain/observation.ts';
import {
  type Attempt,
  type Intended,
  jobIdOf,
  type RestoreRecord,
  type Running,
  requestInsteadOfJob,
  type Succeeded,
  type UnderWay,
  type Unknown,
} from '../domain/record.ts';
import { remedyOf } from '../domain/refusal-remedies.ts';
import { resolveCommand } from '../domain/resolve-command.ts';
import type { Column } from './table.ts';
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

/** Parts of the text about one record, shared by plan, summary, status and `state show`. */

export const STATUS_SIGNS: Readonly<Record<RestoreRecord['status'], string>> = {
  intended: '»',
  running: '»',
  succeeded: '✓',
  failed: '✗',
  unknown: '?',
};

const STATUS_STYLES = {
  intended: 'warn',
  running: 'accent',
  succeeded: 'good',
  failed: 'bad',
  unknown: 'warn',
} as const;

export function statusPaint(status: RestoreRecord['status'], style: Style): Paint {
  return style[STATUS_STYLES[status]];
}

/** Columns for the job, and for the request if there is no job. */
export function idColumns<Row>(recordOf: (row: Row) => RestoreRecord | undefined): Column<Row>[] {
  const cell = (idOf: (record: RestoreRecord) => string | undefined) => (row: Row) => {
    const record = recordOf(row);
    return (record && idOf(record)) ?? '';
  };
  return [
    { title: 'JOB', cell: cell(jobIdOf) },
    { title: 'REQUEST', cell: cell(requestInsteadOfJob), droppable: true },
  ];
}

/** `✓ payments/data  succeeded` */
export function recordHeading(record: RestoreRecord, text: string, style: Style): string {
  const paint = statusPaint(record.status, style);
  return `${paint(STATUS_SIGNS[record.status])} ${style.strong(sanitize(record.address))}  ${paint(text)}`;
}

/** The status and its reason, without times: `failed, the disk may have been touched: …` */
export function outcomeText(record: RestoreRecord): string {
  switch (record.status) {
    case 'intended':
      return `begun, ${answerSoFar(record)}`;
    case 'running':
      return `running in the cloud${EVIDENCE_SUFFIXES[record.evidence]}`;
    case 'succeeded':
      return `succeeded${EVIDENCE_SUFFIXES[record.evidence]}`;
    case 'failed':
      return `failed, ${record.touched === 'no' ? 'the disk was not touched' : 'the disk may have been touched'}: ${sanitize(record.reason)}`;
    case 'unknown':
      return `unknown: ${sanitize(record.reason)}`;
    default:
      return unreachable(record);
  }
}

function answerSoFar({ attempts }: Intended): string {
  return attempts.at(-1)?.answer === undefined ? 'its answer was never recorded' : 'not accepted so far';
}

const EVIDENCE_SUFFIXES = {
  accepted: '',
  adopted: ' (adopted)',
  resolved: ' (resolved by hand)',
  imported: ' (done by hand, imported)',
} as const;

/**
 * Duration of the restore so far, ms. It begins with the accepted answer; for an adopted restore with the first request
 * that can have started it, so that it is never too short. Undefined if the cloud has not started it.
 */
export function durationOf(record: RestoreRecord, now: number): number | undefined {
  const first = record.attempts[0]?.intended_at;
  switch (record.status) {
    case 'intended':
      return undefined;
    case 'running':
      return between(beganBy(record) ?? record.started_at, isoTime(now));
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

/** Disk and backup: names, then ids. */
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

/** Each POST: its time, its answer and the ids that the cloud's support asks for; before them a job that no answer named. */
export function attemptLines(record: RestoreRecord, { style, width }: TextOptions): string[] {
  const { attempts } = record;
  const job = jobIdOf(record);
  return [
    ...(job === undefined || attempts.some(({ job_id }) => job_id === job)
      ? []
      : labelled('job', [sanitize(job)], style)),
    ...attempts.flatMap((attempt, index) =>
      labelled(
        attempts.length === 1 ? 'attempt' : `attempt ${index + 1}`,
        [...wrap(attemptText(attempt), width - VALUE_COLUMN), ...idsOf(attempt).map(style.faint)],
        style,
      ),
    ),
  ];
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
      : `; sent too late, ${formatDuration(written_late_ms)} after its last check`;
  const outcome = settled
    ? `; it did not start: the disk did not change for ${formatDuration(settled.for_ms)}`
    : '';
  return `${utc(intended_at)}, ${answerText(answer)}${after}${because}${late}${outcome}`;
}

function idsOf({ job_id, request_id, failure }: Attempt): string[] {
  return idTexts(job_id, request_id ?? failure?.request_id);
}

function idTexts(job: string | undefined, request: string | undefined): string[] {
  return [
    ...(job === undefined ? [] : [`job ${sanitize(job)}`]),
    ...(request === undefined ? [] : [`request ${sanitize(request)}`]),
  ];
}

/**
 * The baseline and the last `shown` observations, with changes marked; then the observations that contradict the restore,
 * or those on which success rests.
 */
export function observationLines(
  record: RestoreRecord,
  shown: number,
  { style, width }: TextOptions,
): string[] {
  const { baseline } = record;
  const observations = observationsOf(record);
  const hidden = observations.length - shown;
  return [
    ...labelled('before', observationText(baseline, baseline, style), style),
    ...(hidden > 0
      ? labelled(
          'earlier',
          [`${plural(hidden, 'observation')}: vbsctl state show ${shellOperand(record.address)}`],
          style,
        )
      : []),
    ...observations
      .slice(-shown)
      .flatMap((each) => labelled('seen', observationText(each, baseline, style), style)),
    ...contradictionLines(record, style, width),
    ...(record.status === 'succeeded' ? observedLines(record, style) : []),
  ];
}

function observationsOf(record: RestoreRecord): readonly Observation[] {
  if (record.status === 'unknown') return record.observations;
  return 'observation_history' in record ? (record.observation_history?.observations ?? []) : [];
}

function contradictionLines(record: RestoreRecord, style: Style, width: number): string[] {
  const contradiction =
    'observation_history' in record ? record.observation_history?.contradiction : undefined;
  if (!contradiction) return [];
  const text = sanitize(contradiction.reason);
  return labelled('not ours', wrap(text, width - VALUE_COLUMN).map(style.warn), style);
}

function observedLines({ observed, baseline }: Succeeded, style: Style): string[] {
  if (!observed) return [];
  const { at, job, volume, backup } = observed;
  const jobLine = job ? [`job ${sanitize(job.id)}  ${sanitize(job.status)}`] : [];
  const lines = volume && backup ? observationText({ at, volume, backup }, baseline, style) : [utc(at)];
  return labelled('seen', [...lines, ...jobLine], style);
}

function observationText({ at, volume, backup }: Observation, baseline: Observation, style: Style): string[] {
  const widest = Math.max(...[volume, backup].filter(wasFound).map(({ status }) => status.length), 0);
  const line = (what: string, seen: ObservedResource, before: ObservedResource) => {
    if (!wasFound(seen) && seen.reason !== undefined)
      return `${what}  could not be read: ${sanitize(seen.reason)}`;
    const text = [
      what,
      sanitize(observedStatus(seen)).padEnd(widest),
      ...(wasFound(seen) && seen.updated_at !== undefined ? [`updated ${utc(seen.updated_at)}`] : []),
      ...(wasFound(seen) && seen.src_backup_id !== undefined
        ? [`restored from ${sanitize(seen.src_backup_id)}`]
        : []),
    ].join('  ');
    return sameResource(seen, before) ? text : style.warn(`${text}  ← changed`);
  };
  return [utc(at), line('disk  ', volume, baseline.volume), line('backup', backup, baseline.backup)];
}

export interface RemedyOptions {
  /** The lowest generation that repeats the restore of the record; it depends on all other records. */
  readonly nextGeneration: (record: RestoreRecord) => number;
}

/** The next commands for a record; none if it succeeded. `declaredAt`: the position of its generation. */
export function recordRemedies(
  record: RestoreRecord,
  { nextGeneration }: RemedyOptions,
  declaredAt?: string,
): string[] {
  switch (record.status) {
    case 'succeeded':
      return [];
    case 'intended':
    case 'running':
    case 'unknown':
      return openRecordRemedies(record);
    case 'failed': {
      if (record.touched === 'no') {
        const remedy = remedyOf(record.attempts.at(-1)?.failure?.code);
        return [...(remedy === undefined ? [] : [remedy]), 'to try it again: vbsctl apply'];
      }
      const raise = `to restore it again: raise generation to ${nextGeneration(record)}${declaredAt ? ` at ${declaredAt}` : ''}, then: vbsctl plan`;
      return record.resolution
        ? [raise]
        : [raise, `or, if you checked the disk and know the outcome: ${resolveCommand(record.address)}`];
    }
    default:
      return unreachable(record);
  }
}

/** The next commands for a record without an outcome. */
export function openRecordRemedies(record: Intended | Running | Unknown): string[] {
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

/** The progress of an earlier run. */
export function progressSoFar(record: UnderWay, { style, now }: TextOptions): string[] {
  return [
    record.status === 'running'
      ? `${record.evidence} ${when(record.started_at, now)}`
      : `begun ${when(record.updated_at, now)}, ${answerSoFar(record)}`,
    ...idTexts(jobIdOf(record), requestInsteadOfJob(record)).map(style.faint),
  ];
}
