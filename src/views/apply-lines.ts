import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import type { ApplyEvent, End } from '../domain/events.ts';
import { jobIdOf, requestInsteadOfJob } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import { durationOf, outcomeText, STATUS_SIGNS } from './record-text.ts';
import { displayWidth, type Paint, padEnd, type Style, sanitize, wrap } from './terminal.ts';
import { failureText, plural, throttleText } from './words.ts';

export type Tone = 'routine' | 'good' | 'warn' | 'bad';

/** What stays on the screen, or in the log, of an event. */
export interface ApplyLine {
  readonly sign: string;
  readonly tone: Tone;
  readonly address?: Address;
  /** Sanitized. */
  readonly text: string;
  /** An id, shown faintly behind the text or below it. Sanitized. */
  readonly aside?: string;
  /** What is done about it, on a line of its own. */
  readonly consequence?: string;
}

/** The line an event is worth; undefined for what is only the way to the next one. */
export function applyLine(event: ApplyEvent): ApplyLine | undefined {
  switch (event.type) {
    case 'run_started':
      return {
        sign: '·',
        tone: 'routine',
        text: `${plural(event.restores, 'restore')}, at most ${event.parallelism} at the same time`,
      };
    case 'preparing':
      return event.resumed ? routine(event.address, 'resuming: reads disk and backup first') : undefined;
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
        sign: '!',
        tone: 'warn',
        address: event.address,
        text: `attempt ${event.attempt}: ${failureText(event.failure)}`,
        ...idOf(undefined, event.failure.request_id),
        consequence: consequenceText(event),
      };
    case 'written_late':
      return {
        sign: '!',
        tone: 'bad',
        address: event.address,
        text: `attempt ${event.attempt} was sent ${formatDuration(event.late_ms)} after its last check, when it should not have left any more: this process was frozen in between`,
        consequence:
          'another run may have taken over and sent it, too: compare the jobs of this disk in the cloud with vbsctl state history',
      };
    case 'checking':
      return routine(event.address, `looking again: ${sanitize(event.because)}`);
    case 'adopted':
      return routine(event.address, `adopted: ${sanitize(event.because)}`);
    case 'not_started':
      return routine(event.address, `looked: ${sanitize(event.because)}`);
    case 'progress':
      return event.trouble
        ? { sign: '!', tone: 'warn', address: event.address, text: sanitize(event.note) }
        : undefined;
    case 'ended':
      return { address: event.address, ...endLine(event.end, event.at) };
    case 'slowed_down':
      return {
        sign: '!',
        tone: 'warn',
        text: `${throttleText(event)}: nothing is sent for ${formatDuration(event.pause_ms)}, then half as much as before`,
        consequence: 'what runs in the cloud goes on',
      };
    case 'state_slow':
      return {
        sign: '!',
        tone: 'warn',
        text: `the state could not be written for ${formatDuration(event.after_ms)}: still trying`,
        consequence: 'nothing new is sent meanwhile; what runs in the cloud goes on',
      };
    case 'state_written':
      return { sign: '·', tone: 'routine', text: 'the state is written again' };
    case 'halted':
      return {
        sign: '!',
        tone: 'bad',
        text: `halted: ${sanitize(event.reason)}`,
        consequence: 'nothing new starts; what is under way is followed to its end',
      };
    case 'run_ended':
      return undefined;
    default:
      return unreachable(event);
  }
}

function routine(address: Address, text: string): ApplyLine {
  return { sign: '·', tone: 'routine', address, text };
}

/** The job is what a person follows; the request only where there is none, or something went wrong. */
function idOf(job: string | undefined, request: string | undefined): { readonly aside?: string } {
  if (job !== undefined) return { aside: `job ${sanitize(job)}` };
  return request === undefined ? {} : { aside: `request ${sanitize(request)}` };
}

function consequenceText({ answer, next }: ApplyEvent & { type: 'answered' }): string {
  const what = {
    not_sent: 'it was never sent',
    rejected: 'it was refused',
    ambiguous: 'it may have started',
  }[answer];
  switch (next) {
    case 'look':
      return `${what}: looking at disk and backup before anything is sent again`;
    case 'give_up':
      return `${what}: nothing more is sent`;
    default:
      return unreachable(next);
  }
}

function endLine(end: End, at: string): Omit<ApplyLine, 'address'> {
  if (end.kind === 'not_started')
    return { sign: '-', tone: 'warn', text: `not started: ${sanitize(end.reason)}` };
  if (end.kind === 'blocked')
    return {
      sign: '!',
      tone: 'warn',
      text: `left out: ${sanitize(end.reasons.map(({ summary }) => summary).join('; '))}`,
    };
  const { record } = end;
  if (end.kind === 'unsaved')
    return {
      sign: '!',
      tone: 'bad',
      text: `${outcomeText(record)}, but the state could not be written`,
      ...idOf(jobIdOf(record), requestInsteadOfJob(record)),
    };
  const took = durationOf(record, Date.parse(at));
  const aside = idOf(jobIdOf(record), requestInsteadOfJob(record));
  const sign = STATUS_SIGNS[record.status];
  switch (record.status) {
    case 'succeeded':
      return {
        sign,
        tone: 'good',
        // Seen at its end: after an absence of this program it may have been over for a while.
        text: outcomeText(record) + (took === undefined ? '' : ` within ${formatDuration(took)}`),
      };
    case 'failed':
      return { sign, tone: 'bad', text: outcomeText(record), ...aside };
    case 'unknown':
      return { sign, tone: 'warn', text: outcomeText(record), ...aside };
    case 'running':
      return { sign, tone: 'warn', text: `still ${outcomeText(record)}, left to the next run`, ...aside };
    case 'intended':
      return end.refused
        ? {
            sign,
            tone: 'warn',
            text: `${outcomeText(record)}; not sent again: ${sanitize(end.refused.map(({ summary }) => summary).join('; '))}`,
          }
        : { sign, tone: 'warn', text: `${outcomeText(record)}, left to the next run` };
    default:
      return unreachable(record);
  }
}

export interface LineOptions {
  readonly style: Style;
  /** Stands before each line: a time, in a log. */
  readonly prefix?: string;
  readonly width?: number;
}

/** Narrower than this a column of text is worse than one that begins further left. */
const TEXT_COLUMNS_MIN = 30;

/**
 * The line as text: sign, address, what happened; ids and the consequence below where they belong. Broken at
 * `width` columns when given; a log keeps its lines whole, for grep.
 */
export function renderLine(
  line: ApplyLine,
  addressWidth: number,
  { style, prefix = '', width }: LineOptions,
): string {
  const paint = paintOf(line.tone, style);
  const address = line.address === undefined ? '' : `${padEnd(sanitize(line.address), addressWidth)}  `;
  const margin = 2 + displayWidth(address);
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(TEXT_COLUMNS_MIN, width - margin);
  const texts = width === undefined ? [line.text] : wrap(line.text, room);
  const beside =
    line.aside !== undefined && displayWidth(texts.join('')) + 2 + displayWidth(line.aside) <= room;
  const lines = texts.map(paint);
  if (line.aside !== undefined) {
    if (beside) lines.push(`${lines.pop() ?? ''}  ${style.faint(line.aside)}`);
    else lines.push(...wrap(line.aside, room).map(style.faint));
  }
  if (line.consequence !== undefined)
    lines.push(...(width === undefined ? [line.consequence] : wrap(line.consequence, room)));
  const head = `${paint(line.sign)} ${address}`;
  return lines.map((text, index) => `${prefix}${index === 0 ? head : ' '.repeat(margin)}${text}\n`).join('');
}

function paintOf(tone: Tone, style: Style): Paint {
  switch (tone) {
    case 'routine':
      return (text) => text;
    case 'good':
      return style.good;
    case 'warn':
      return style.warn;
    case 'bad':
      return style.bad;
    default:
      return unreachable(tone);
  }
}
