import { abbreviate } from '../domain/abbreviate.ts';
import type { CloudFailure, Throttle } from '../domain/cloud.ts';
import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import { grouped } from '../domain/grouped.ts';
import type { Attempt } from '../domain/record.ts';
import type { Selector } from '../domain/spec.ts';
import { clip, sanitize } from './terminal.ts';

/** Phrases that several views share. All results are sanitized. */

/** `2026-11-23T21:03:11Z`: UTC, whole seconds. Any other text is returned as it is. */
export function utc(iso: string): string {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? sanitize(iso) : `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** `3h 12m ago`, `in 5m`, `just now`. */
export function age(iso: string, now: number): string {
  const ms = now - Date.parse(iso);
  if (Number.isNaN(ms)) return 'at an unknown time';
  if (Math.abs(ms) < 1_000) return 'just now';
  return ms > 0 ? `${formatDuration(ms)} ago` : `in ${formatDuration(-ms)}`;
}

/** `the cloud asks to wait 20s (HTTP 429)` */
export function throttleText({ status, asked_ms }: Throttle): string {
  const what = asked_ms === undefined ? 'to send less' : `to wait ${formatDuration(asked_ms)}`;
  return `the cloud asks ${what} (HTTP ${status})`;
}

/** `3h 12m ago (2026-11-23T21:03:11Z)` */
export function when(iso: string, now: number): string {
  return `${age(iso, now)} (${utc(iso)})`;
}

/** Milliseconds between two times, at least 0; undefined if one is missing or not a time. */
export function between(from: string | undefined, to: string | undefined): number | undefined {
  if (from === undefined || to === undefined) return undefined;
  const ms = Date.parse(to) - Date.parse(from);
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** `00:42`, `1:02:03` */
export function stopwatch(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** `3 failed`, `1 unknown`, without the zeros */
export function phrasesOf(counts: readonly (readonly [count: number, what: string])[]): string[] {
  return counts.flatMap(([count, what]) => (count > 0 ? [`${grouped(count)} ${what}`] : []));
}

/** `1 restore`, `2 restores` */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** `500 GB`; empty if the size is unknown. */
export function size(gigabytes: number | undefined): string {
  return gigabytes === undefined ? '' : `${grouped(gigabytes)} GB`;
}

/** The first `max` items and the number of the others: `a, b, c and 7 more`. */
export function listed(items: readonly string[], max: number): string {
  return abbreviate(items, max, sanitize);
}

/** `newest at or before 2026-11-23T21:00:00Z, within 6h, of disk c96e…, named "nightly"` */
export function selectorText(selector: Selector): string {
  const parts = [
    selector.as_of === 'latest' ? 'newest backup' : `newest backup at or before ${utc(selector.as_of)}`,
  ];
  if (selector.within !== undefined) parts.push(`within ${sanitize(selector.within)}`);
  if (selector.of_volume !== undefined) parts.push(`of disk ${sanitize(selector.of_volume)}`);
  if (selector.name !== undefined) parts.push(`named ${sanitize(selector.name)}`);
  return parts.join(', ');
}

/** Gateways may answer with a whole page. */
const MESSAGE_COLUMNS_MAX = 240;

/** `HTTP 504 APIGW.0101: Gateway timeout`. Without the request id. */
export function failureText(failure: CloudFailure): string {
  const message = clip(sanitize(failure.message.trim()), MESSAGE_COLUMNS_MAX);
  const status = failure.status === undefined ? undefined : `HTTP ${failure.status}`;
  const answer = [[status, failure.code && sanitize(failure.code)].filter(Boolean).join(' '), message]
    .filter((part) => part !== '')
    .join(': ');
  switch (failure.cause) {
    case 'held_back':
      return `not sent (${message})`;
    case 'no_connection':
      return `no connection (${message})`;
    case 'connection_lost':
      return `connection lost (${message})`;
    case 'timeout':
      return `no answer in time (${message})`;
    case 'unreadable':
      return `unreadable answer (${answer})`;
    case 'status':
      return answer;
    default:
      return unreachable(failure.cause);
  }
}

/** The answer to an attempt. */
export function answerText(answer: Attempt['answer']): string {
  return answer === undefined ? 'no answer recorded' : ANSWERS[answer];
}

const ANSWERS: Readonly<Record<NonNullable<Attempt['answer']>, string>> = {
  accepted: 'accepted',
  not_sent: 'never sent',
  rejected: 'refused',
  rejected_for_now: 'refused for now',
  unauthorized: 'token refused',
  ambiguous: 'no clear answer',
};
