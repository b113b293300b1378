import { type Config, DEFAULT_CONFIG, type Policy, SETTLE_MS_MAX } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { parseDuration } from '../domain/duration.ts';
import { optional } from '../domain/optional.ts';
import { valueAt, where } from './check-document.ts';
import type { SourceDocument } from './documents.ts';
import type { Path } from './positions.ts';
import { durationOutside } from './restore-set.ts';

/** A Config as the schema promises it; durations are texts. */
interface ConfigDocument {
  readonly cloud?: string;
  readonly api?: Config['api'];
  readonly manifests?: readonly string[];
  readonly state?: string;
  readonly apply?: {
    readonly parallelism?: number;
    readonly requests_per_second?: number;
    readonly max_failures?: number;
    readonly timeout?: string;
  };
  readonly retry?: {
    readonly give_up_after?: string;
    readonly min_delay?: string;
    readonly max_delay?: string;
    readonly max_retry_after?: string;
    readonly settle?: string;
    readonly after_ambiguous?: Config['retry']['after_ambiguous'];
  };
  readonly poll?: { readonly min_interval?: string; readonly max_interval?: string };
  readonly http?: {
    readonly connect_timeout?: string;
    readonly request_timeout?: string;
    readonly max_response_bytes?: number;
    readonly max_list_pages?: number;
    readonly max_list_bytes?: number;
    readonly max_run_bytes?: number;
  };
  readonly policy?: {
    readonly max_restores?: number;
    readonly max_backup_age?: string;
    readonly protected_volumes?: readonly string[];
    readonly require_labels?: readonly string[];
    readonly require_expect?: boolean;
    readonly require_valid_until?: boolean;
    readonly allowed_sets?: readonly string[];
  };
}

/** The settings of a document that passed `checkConfig` and its schema, defaults applied. */
export function toConfig(document: SourceDocument): Config {
  const file = document.value as ConfigDocument;
  const { apply, retry, poll, http } = file;
  const standard = DEFAULT_CONFIG;
  return {
    ...optional('cloud', file.cloud),
    api: file.api ?? standard.api,
    manifests: file.manifests ?? standard.manifests,
    ...optional('state', file.state),
    apply: {
      parallelism: apply?.parallelism ?? standard.apply.parallelism,
      requests_per_second: apply?.requests_per_second ?? standard.apply.requests_per_second,
      max_failures: apply?.max_failures ?? standard.apply.max_failures,
      timeout_ms: milliseconds(apply?.timeout) ?? standard.apply.timeout_ms,
    },
    retry: {
      give_up_after_ms: milliseconds(retry?.give_up_after) ?? standard.retry.give_up_after_ms,
      min_delay_ms: milliseconds(retry?.min_delay) ?? standard.retry.min_delay_ms,
      max_delay_ms: milliseconds(retry?.max_delay) ?? standard.retry.max_delay_ms,
      max_retry_after_ms: milliseconds(retry?.max_retry_after) ?? standard.retry.max_retry_after_ms,
      settle_ms: milliseconds(retry?.settle) ?? standard.retry.settle_ms,
      after_ambiguous: retry?.after_ambiguous ?? standard.retry.after_ambiguous,
    },
    poll: {
      min_interval_ms: milliseconds(poll?.min_interval) ?? standard.poll.min_interval_ms,
      max_interval_ms: milliseconds(poll?.max_interval) ?? standard.poll.max_interval_ms,
    },
    http: {
      connect_timeout_ms: milliseconds(http?.connect_timeout) ?? standard.http.connect_timeout_ms,
      request_timeout_ms: milliseconds(http?.request_timeout) ?? standard.http.request_timeout_ms,
      max_response_bytes: http?.max_response_bytes ?? standard.http.max_response_bytes,
      max_list_pages: http?.max_list_pages ?? standard.http.max_list_pages,
      max_list_bytes: http?.max_list_bytes ?? standard.http.max_list_bytes,
      max_run_bytes: http?.max_run_bytes ?? standard.http.max_run_bytes,
    },
    policy: { ...standard.policy, ...writtenPolicy(document) },
  };
}

/** The policy as far as the document writes one; absent is absent, unlike in a Config. */
export function writtenPolicy(document: SourceDocument): Partial<Policy> {
  const { max_backup_age, ...policy } = (document.value as ConfigDocument).policy ?? {};
  return { ...policy, ...optional('max_backup_age_ms', milliseconds(max_backup_age)) };
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What a schema cannot say of a duration, which is a text. The descriptions in the schema name the same bounds. */
const BOUNDS: readonly { readonly path: Path; readonly min: number; readonly max: number }[] = [
  { path: ['apply', 'timeout'], min: 1_000, max: 365 * DAY },
  { path: ['retry', 'give_up_after'], min: 1_000, max: 30 * DAY },
  { path: ['retry', 'min_delay'], min: 10, max: HOUR },
  { path: ['retry', 'max_delay'], min: 10, max: DAY },
  { path: ['retry', 'max_retry_after'], min: 1_000, max: DAY },
  { path: ['retry', 'settle'], min: 1_000, max: SETTLE_MS_MAX },
  { path: ['poll', 'min_interval'], min: 10, max: HOUR },
  { path: ['poll', 'max_interval'], min: 10, max: HOUR },
  { path: ['http', 'connect_timeout'], min: 10, max: 10 * MINUTE },
  { path: ['http', 'request_timeout'], min: 10, max: HOUR },
  { path: ['policy', 'max_backup_age'], min: 1_000, max: 36_500 * DAY },
];

/** Pairs of which the first must not be the larger one, defaults counted in. */
const ORDERED: readonly (readonly [
  group: string,
  smaller: string,
  larger: string,
  defaults: readonly [number, number],
])[] = [
  ['retry', 'min_delay', 'max_delay', [DEFAULT_CONFIG.retry.min_delay_ms, DEFAULT_CONFIG.retry.max_delay_ms]],
  [
    'poll',
    'min_interval',
    'max_interval',
    [DEFAULT_CONFIG.poll.min_interval_ms, DEFAULT_CONFIG.poll.max_interval_ms],
  ],
  [
    'http',
    'connect_timeout',
    'request_timeout',
    [DEFAULT_CONFIG.http.connect_timeout_ms, DEFAULT_CONFIG.http.request_timeout_ms],
  ],
];

/** What the schema cannot see. Looks at documents of any shape. */
export function checkConfig(document: SourceDocument): Diagnostic[] {
  return [
    ...BOUNDS.flatMap(({ path, min, max }) => durationOutside(document, path, min, max)),
    ...ORDERED.flatMap((pair) => wrongOrder(document, ...pair)),
    ...passwordInState(document),
  ];
}

function wrongOrder(
  document: SourceDocument,
  group: string,
  smaller: string,
  larger: string,
  defaults: readonly [number, number],
): Diagnostic[] {
  const low = durationAt(document, [group, smaller]);
  const high = durationAt(document, [group, larger]);
  if ((low ?? defaults[0]) <= (high ?? defaults[1])) return [];
  return [
    error('wrong-order', `${group}.${smaller} is larger than ${group}.${larger}`, {
      ...(low !== undefined && high !== undefined
        ? {}
        : { detail: `The other one is not set and has its default.` }),
      remedy: `make ${smaller} smaller than ${larger}; what is not set has its default`,
      where: where(document, [group, low === undefined ? larger : smaller]),
    }),
  ];
}

function passwordInState(document: SourceDocument): Diagnostic[] {
  const state = valueAt(document.value, ['state']);
  if (typeof state !== 'string' || !URL.canParse(state) || new URL(state).password === '') return [];
  return [
    error('password-in-state', 'the URL of the state holds a password', {
      detail: 'Config files are often shared and versioned.',
      remedy: 'remove it from the URL, and change it if the file was ever shared; give it by the environment',
      where: where(document, ['state']),
    }),
  ];
}

function durationAt(document: SourceDocument, path: Path): number | undefined {
  const text = valueAt(document.value, path);
  return typeof text === 'string' ? parseDuration(text) : undefined;
}

function milliseconds(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : parseDuration(duration);
}
