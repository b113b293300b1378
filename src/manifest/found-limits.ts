import { DEFAULT_CONFIG } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { formatDuration, parseDuration } from '../domain/duration.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { valueAt, where } from './check-document.ts';
import type { SourceDocument } from './documents.ts';

/**
 * What a config may set that was found and not named: whoever writes a pull request can write it, so it can be as
 * strict as the defaults or stricter, and cannot make a run wait without end or stop looking.
 */
export type FoundRule =
  /** Everything that a named config may say. */
  | { readonly kind: 'any'; readonly because: string }
  /** Judged where it is used, which the text names. */
  | { readonly kind: 'judged'; readonly by: string }
  /** A number, or milliseconds; both ends are allowed. `because`: what a value beyond would do. */
  | {
      readonly kind: 'range';
      readonly least: number;
      readonly most: number;
      readonly standard: number;
      readonly because: string;
    };

const { apply, retry, poll, http } = DEFAULT_CONFIG;

const NOT_LOOSER = 'the default allows everything; domain/policy.ts only tightens what a config above says';
const OTHER_LIMITS =
  'With a larger limit an answer takes more memory and time; with a smaller one lists count as unreadable, and the run looks at less.';

/** Every key of the config; a test holds it against the schema. docs/pull-requests.md shows it. */
export const FOUND_RULES: Readonly<Record<string, FoundRule>> = {
  apiVersion: any('says what the file is'),
  kind: any('says what the file is'),
  required_version: any('can only refuse'),
  cloud: { kind: 'judged', by: 'cli/found-config.ts' },
  api: any('each is a service of the same cloud, with verdicts of its own'),
  manifests: { kind: 'judged', by: 'manifest/default-paths.ts' },
  state: { kind: 'judged', by: 'cli/found-config.ts' },
  'apply.parallelism': atMost(
    apply.parallelism,
    'More restores would begin before the first failure is seen.',
  ),
  'apply.requests_per_second': atMost(
    apply.requests_per_second,
    'Faster, a pull request could load the cloud; slower, a run would hardly look at what it follows.',
    1,
  ),
  // 0 is no limit.
  'apply.max_failures': atMost(apply.max_failures, 'More disks would be overwritten after failures.', 1),
  'apply.timeout': any('a manifest can say the same'),
  'retry.give_up_after': atMost(retry.give_up_after_ms, 'A run would repeat for longer.'),
  'retry.min_delay': atLeast(
    retry.min_delay_ms,
    retry.max_delay_ms,
    'Shorter, it would press a cloud in trouble; longer, the run would stand still.',
  ),
  'retry.max_delay': atMost(retry.max_delay_ms, 'The run would stand still.'),
  'retry.max_retry_after': only(
    retry.max_retry_after_ms,
    'Shorter, the run would not wait as long as the cloud asks; longer, it would stand still.',
  ),
  'retry.settle': atLeast(
    retry.settle_ms,
    retry.give_up_after_ms,
    'Shorter, a restore that begins late after a lost answer would be started twice; longer, the run and the lock that it leaves would block others.',
  ),
  'retry.after_ambiguous': any('stop is stricter than the default'),
  'poll.min_interval': atLeast(
    poll.min_interval_ms,
    poll.max_interval_ms,
    'Two looks that confirm each other would be too close together, or a run would look too rarely.',
  ),
  'poll.max_interval': atMost(poll.max_interval_ms, 'A run would look too rarely.'),
  'http.connect_timeout': atMost(http.connect_timeout_ms, 'Each request could wait for longer.'),
  'http.request_timeout': only(
    http.request_timeout_ms,
    'Shorter, answers are lost earlier, and settle ends earlier; longer, each request could wait for longer.',
  ),
  'http.max_response_bytes': only(http.max_response_bytes, OTHER_LIMITS),
  'http.max_list_pages': only(http.max_list_pages, OTHER_LIMITS),
  'http.max_list_bytes': only(http.max_list_bytes, OTHER_LIMITS),
  'http.max_run_bytes': only(http.max_run_bytes, OTHER_LIMITS),
  'policy.max_restores': any(NOT_LOOSER),
  'policy.max_backup_age': any(NOT_LOOSER),
  'policy.protected_volumes': any(NOT_LOOSER),
  'policy.require_labels': any(NOT_LOOSER),
  'policy.require_expect': any(NOT_LOOSER),
  'policy.require_valid_until': any(NOT_LOOSER),
  'policy.require_signed_plans': any(NOT_LOOSER),
  'policy.allowed_sets': any(NOT_LOOSER),
};

export const FOUND_LIMIT = 'found-config-limit';

/** What a config that was found sets beyond its rules. Pure; for documents that fit the schema. */
export function foundConfigProblems(document: SourceDocument): Diagnostic[] {
  return Object.entries(FOUND_RULES).flatMap(([key, rule]) =>
    rule.kind === 'range' ? outsideRange(document, key, rule) : [],
  );
}

function outsideRange(
  document: SourceDocument,
  key: string,
  { least, most, standard, because }: FoundRule & { kind: 'range' },
): Diagnostic[] {
  const path = key.split('.');
  const written = valueAt(document.value, path);
  const isDuration = typeof written === 'string';
  const value = isDuration ? parseDuration(written) : written;
  if (typeof value !== 'number' || (value >= least && value <= most)) return [];
  const show = isDuration ? formatDuration : String;
  const allowed =
    least === most
      ? show(most)
      : least === 0
        ? `at most ${show(most)}`
        : `from ${show(least)} to ${show(most)}`;
  return [
    error(FOUND_LIMIT, `${key} must be ${allowed}, not ${written}: this config was found, not named`, {
      detail: `${because} The default is ${show(standard)}. Whoever writes a pull request can write this file.`,
      remedy: `take ${key} out of it; or, if no pull request can write it, name it: --config ${shellPath(document.source.file)}, or VBSCTL_CONFIG`,
      where: where(document, path),
    }),
  ];
}

function any(because: string): FoundRule {
  return { kind: 'any', because };
}

function atLeast(standard: number, most: number, because: string): FoundRule {
  return { kind: 'range', least: standard, most, standard, because };
}

function atMost(standard: number, because: string, least = 0): FoundRule {
  return { kind: 'range', least, most: standard, standard, because };
}

function only(standard: number, because: string): FoundRule {
  return { kind: 'range', least: standard, most: standard, standard, because };
}
