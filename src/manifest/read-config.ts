import { type Config, DEFAULT_CONFIG, type Policy, SETTLE_MS_MAX } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { formatDuration, parseDuration, requireDuration } from '../domain/duration.ts';
import { optional } from '../domain/optional.ts';
import { valueAt, where } from './check-document.ts';
import type { SourceDocument } from './documents.ts';
import type { Path } from './positions.ts';
import { durationOutside } from './restore-set.ts';

type Section = Readonly<Record<string, unknown>>;

/** A Config that passed its schema. Durations are texts: `timeout_ms` of a Config is `timeout` in the file. */
type ConfigDocument = Partial<Pick<Config, 'cloud' | 'api' | 'manifests' | 'state'>> & {
  readonly [Name in 'apply' | 'retry' | 'poll' | 'http' | 'policy']?: Section;
};

/** The settings of a document that passed `checkConfig` and its schema, defaults applied. */
export function toConfig(document: SourceDocument): Config {
  const { cloud, api, manifests, state, apply, retry, poll, http } = document.value as ConfigDocument;
  const standard = DEFAULT_CONFIG;
  return {
    ...optional('cloud', cloud),
    api: api ?? standard.api,
    manifests: manifests ?? standard.manifests,
    ...optional('state', state),
    apply: { ...standard.apply, ...settings(apply) },
    retry: { ...standard.retry, ...settings(retry) },
    poll: { ...standard.poll, ...settings(poll) },
    http: { ...standard.http, ...settings(http) },
    policy: { ...standard.policy, ...writtenPolicy(document) },
  };
}

/** The policy as far as the document writes one, without defaults. */
export function writtenPolicy(document: SourceDocument): Partial<Policy> {
  return settings((document.value as ConfigDocument).policy);
}

/** The settings of a section, with durations in milliseconds. */
function settings(section: Section = {}): Section {
  return Object.fromEntries(
    Object.entries(section).map(([name, value]) =>
      DURATIONS.has(name) ? [`${name}_ms`, requireDuration(String(value))] : [name, value],
    ),
  );
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Bounds of durations, in ms: a schema cannot check them. The descriptions in the schema name the same bounds. */
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

const DURATIONS: ReadonlySet<unknown> = new Set(BOUNDS.map(({ path }) => path.at(-1)));

/** Pairs of durations, of which the first must not be larger than the second; a missing one has its default. */
const ORDERED: readonly (readonly [group: 'retry' | 'poll' | 'http', smaller: string, larger: string])[] = [
  ['retry', 'min_delay', 'max_delay'],
  ['poll', 'min_interval', 'max_interval'],
  ['http', 'connect_timeout', 'request_timeout'],
];

/** Problems that the schema cannot find. Accepts documents of any shape. */
export function checkConfig(document: SourceDocument): Diagnostic[] {
  return [
    ...BOUNDS.flatMap(({ path, min, max }) => durationOutside(document, path, min, max)),
    ...ORDERED.flatMap((pair) => wrongOrder(document, ...pair)),
    ...passwordInState(document),
  ];
}

function wrongOrder(
  document: SourceDocument,
  group: 'retry' | 'poll' | 'http',
  smaller: string,
  larger: string,
): Diagnostic[] {
  const standard: Section = { ...DEFAULT_CONFIG[group] };
  const defaultOf = (name: string) => Number(standard[`${name}_ms`]);
  const low = durationAt(document, [group, smaller]);
  const high = durationAt(document, [group, larger]);
  if ((low ?? defaultOf(smaller)) <= (high ?? defaultOf(larger))) return [];
  const missing = low === undefined ? smaller : high === undefined ? larger : undefined;
  return [
    error('wrong-order', `${group}.${smaller} is larger than ${group}.${larger}`, {
      ...optional(
        'detail',
        missing && `${missing} is not set; its default is ${formatDuration(defaultOf(missing))}.`,
      ),
      remedy: `make ${smaller} no larger than ${larger}`,
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
