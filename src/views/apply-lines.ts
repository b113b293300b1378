import type { Diagnostic } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import type { ApplyEvent, End } from '../domain/events.ts';
import { jobIdOf, requestInsteadOfJob } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import { durationOf, outcomeText, STATUS_SIGNS } from './record-text.ts';
import { displayWidth, padEnd, plain, type Style, sanitize, wrap } from './terminal.ts';
import { failureText, plural, throttleText } from './words.ts';

/** The line that an event leaves on the screen or in the log. All texts are sanitized. */
interface ApplyLine {
  readonly sign: string;
  readonly tone: 'routine' | 'good' | 'warn' | 'bad';
  readonly address?: Address;
  readonly text: string;
  /** A job or request id, shown faintly behind or below the text. */
  readonly id?: string;
  /** What vbsctl does next, on a line of its own. */
  readonly consequence?: string;
}

const ROUTINE = { sign: '·', tone: 'routine' } as const;
const WARNING = { sign: '!', tone: 'warn' } as const;
const ALARM = { sign: '!', tone: 'bad' } as const;

/** Undefined for events that are only a step to the next one. */
export function applyLine(event: ApplyEvent): ApplyLine | undefined {
  switch (event.type) {
    case 'run_started':
      return {
        ...ROUTINE,
        text: `${plural(event.restores, 'restore')}, at most ${event.parallelism} at the same time`,
      };
    case 'preparing':
      return event.resumed ? routine(event.address, 'resuming: reading disk and backup first') : undefined;
    case 'waiting':
      return routine(event.address, `not yet: ${sanitize(event.reason)}`);
    case 'intended':
      return event.attempt === 1
        ? undefined
        : routine(event.address, `sending again, attempt ${event.attempt}`);
    case 'accepted':
      return { ...routine(event.address, 'accepted'), ...idOf(event.job_id, event.request_id) };
    case 'answered':
      return {
        ...WARNING,
        address: event.address,
        text: `attempt ${event.attempt}: ${failureText(event.failure)}`,
        ...idOf(undefined, event.failure.request_id),
        consequence: consequenceText(event),
      };
    case 'written_late':
      return {
        ...ALARM,
        address: event.address,
        text: `attempt ${event.attempt} was sent too late, ${formatDuration(event.late_ms)} after its last check: this process was suspended in between`,
        consequence:
          'another run may have sent the same restore: compare the jobs of this disk in the cloud with vbsctl state history',
      };
    case 'checking':
      return routine(event.address, `checking: ${sanitize(event.reason)}`);
    case 'adopted':
      return routine(event.address, `adopted: ${sanitize(event.reason)}`);
    case 'not_started':
      return routine(event.address, `checked: ${sanitize(event.reason)}`);
    case 'progress':
      return event.warning ? { ...WARNING, address: event.address, text: sanitize(event.note) } : undefined;
    case 'ended':
      return { address: event.address, ...endLine(event.end, event.at) };
    case 'slowed_down':
      return {
        ...WARNING,
        text: `${throttleText(event)}: nothing is sent for ${formatDuration(event.pause_ms)}, then half as much as before`,
        consequence: 'running restores continue',
      };
    case 'state_slow':
      return {
        ...WARNING,
        text: `the state could not be written for ${formatDuration(event.after_ms)}: still trying`,
        consequence: 'no new restore starts until then; running restores continue',
      };
    case 'state_written':
      return { ...ROUTINE, text: 'the state can be written again' };
    case 'halted':
      return {
        ...ALARM,
        text: `halted: ${sanitize(event.reason)}`,
        consequence: 'no new restore starts; running restores are followed to their end',
      };
    case 'run_ended':
      return undefined;
    default:
      return unreachable(event);
  }
}

function routine(address: Address, text: string): ApplyLine {
  return { ...ROUTINE, address, text };
}

/** The job id, or the request id if there is no job. */
function idOf(job: string | undefined, request: string | undefined): Pick<ApplyLine, 'id'> {
  if (job !== undefined) return { id: `job ${sanitize(job)}` };
  return request === undefined ? {} : { id: `request ${sanitize(request)}` };
}

const ANSWERS = {
  not_sent: 'it was never sent',
  rejected: 'it was refused',
  ambiguous: 'it may have started',
};
const NEXT_STEPS = {
  probe: 'reading disk and backup before anything is sent again',
  give_up: 'nothing more is sent',
};

function consequenceText({ answer, next }: ApplyEvent & { type: 'answered' }): string {
  return `${ANSWERS[answer]}: ${NEXT_STEPS[next]}`;
}

function endLine(end: End, at: string): Omit<ApplyLine, 'address'> {
  switch (end.kind) {
    case 'not_started':
      return { ...WARNING, sign: '-', text: `not started: ${sanitize(end.reason)}` };
    case 'blocked':
      return { ...WARNING, text: `left out: ${summariesOf(end.reasons)}` };
    case 'unsaved':
      return {
        ...ALARM,
        text: `${outcomeText(end.record)}, but the state could not be written`,
        ...idOf(jobIdOf(end.record), requestInsteadOfJob(end.record)),
      };
    case 'recorded':
      return recordedLine(end, at);
    default:
      return unreachable(end);
  }
}

function recordedLine(
  { record, policy_violations: refused }: End & { readonly kind: 'recorded' },
  at: string,
): Omit<ApplyLine, 'address'> {
  const sign = STATUS_SIGNS[record.status];
  const outcome = outcomeText(record);
  const id = idOf(jobIdOf(record), requestInsteadOfJob(record));
  switch (record.status) {
    case 'succeeded': {
      // "within": after a pause of this program, the restore may have ended before its end was read.
      const took = durationOf(record, Date.parse(at));
      const text = took === undefined ? outcome : `${outcome} within ${formatDuration(took)}`;
      return { sign, tone: 'good', text };
    }
    case 'failed':
      return { sign, tone: 'bad', text: outcome, ...id };
    case 'unknown':
      return { sign, tone: 'warn', text: outcome, ...id };
    case 'running':
      return { sign, tone: 'warn', text: `still ${outcome}, left to the next run`, ...id };
    case 'intended': {
      const rest = refused ? `; not sent again: ${summariesOf(refused)}` : ', left to the next run';
      return { sign, tone: 'warn', text: outcome + rest };
    }
    default:
      return unreachable(record);
  }
}

function summariesOf(reasons: readonly Diagnostic[]): string {
  return sanitize(reasons.map(({ summary }) => summary).join('; '));
}

export interface LineOptions {
  readonly style: Style;
  /** Text before each line, such as a time. Default: none. */
  readonly prefix?: string;
  /** Columns. Default: lines are not broken, so that a log can be searched with grep. */
  readonly width?: number;
}

/** Minimum columns for the text: on a narrower screen it begins further left instead. */
const TEXT_COLUMNS_MIN = 30;

/** The line as text: sign, address and text; then the id, and the consequence on a line of its own. */
export function renderLine(
  line: ApplyLine,
  addressWidth: number,
  { style, prefix = '', width }: LineOptions,
): string {
  const paint = line.tone === 'routine' ? plain : style[line.tone];
  const address = line.address === undefined ? '' : `${padEnd(sanitize(line.address), addressWidth)}  `;
  const margin = 2 + displayWidth(address);
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(TEXT_COLUMNS_MIN, width - margin);
  const texts = width === undefined ? [line.text] : wrap(line.text, room);
  const lines = texts.map(paint);
  if (line.id !== undefined) {
    if (displayWidth(texts.join('')) + 2 + displayWidth(line.id) <= room)
      lines.push(`${lines.pop() ?? ''}  ${style.faint(line.id)}`);
    else lines.push(...wrap(line.id, room).map(style.faint));
  }
  if (line.consequence !== undefined)
    lines.push(...(width === undefined ? [line.consequence] : wrap(line.consequence, room)));
  const head = `${paint(line.sign)} ${address}`;
  return lines.map((text, index) => `${prefix}${index === 0 ? head : ' '.repeat(margin)}${text}\n`).join('');
}
