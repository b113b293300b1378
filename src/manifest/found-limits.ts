import { DEFAULT_CONFIG } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { formatDuration, parseDuration } from '../domain/duration.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { valueAt, where } from './check-document.ts';
import type { SourceDocument } from './documents.ts';

/**
 * What a found config may set. A pull request can write it, so it can be as strict as the defaults or stricter, but
 * cannot make a run wait without end or stop checking.
 */
type FoundRule =
  /** Any value that a named config may have. */
  | { readonly kind: 'any'; readonly because: string }
  /** Checked where the value is used; `by` names the file. */
  | { readonly kind: 'checked'; readonly by: string }
  /** A number, or milliseconds; both ends are allowed. `because`: the effect of a value out of range. */
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

/** The rule for every key of the config. docs/pull-requests.md shows them; a test compares them with the schema. */
export const FOUND_RULES: Readonly<Record<string, FoundRule>> = {
  apiVersion: any('says what the file is'),
  kind: any('says what the file is'),
  required_version: any('can only refuse'),
  cloud: { kind: 'checked', by: 'cli/found-config.ts' },
  api: any('each is a service of the same cloud, with verdicts of its own'),
  manifests: { kind: 'checked', by: 'manifest/default-paths.ts' },
  state: { kind: 'checked', by: 'cli/found-config.ts' },
  'apply.parallelism': atMost(
    apply.parallelism,
    'More restores would start before the first failure is seen.',
  ),
  'apply.requests_per_second': atMost(
    apply.requests_per_second,
    'With more requests, a pull request could overload the cloud; with fewer, the run would poll too rarely.',
    1,
  ),
  // 0 is no limit.
  'apply.max_failures': atMost(apply.max_failures, 'More disks would be overwritten after failures.', 1),
  'apply.timeout': any('a manifest can say the same'),
  'retry.give_up_after': atMost(retry.give_up_after_ms, 'A run would repeat for longer.'),
  'retry.min_delay': atLeast(
    retry.min_delay_ms,
    retry.max_delay_ms,
    'A shorter delay could overload the cloud; a longer one would stall the run.',
  ),
  'retry.max_delay': atMost(retry.max_delay_ms, 'A longer delay would stall the run.'),
  'retry.max_retry_after': only(
    retry.max_retry_after_ms,
    'With a shorter limit, the run would not wait as long as the cloud asks; with a longer one, it would stall.',
  ),
  'retry.settle': atLeast(
    retry.settle_ms,
    retry.give_up_after_ms,
    'With a shorter time, a restore that starts late after a lost answer could be started twice; with a longer one, the run and its lock would block others.',
  ),
  'retry.after_ambiguous': any('stop is stricter than the default'),
  'poll.min_interval': atLeast(
    poll.min_interval_ms,
    poll.max_interval_ms,
    'With a shorter interval, two reads that confirm each other would be too close together; with a longer one, the run would poll too rarely.',
  ),
  'poll.max_interval': atMost(poll.max_interval_ms, 'With a longer interval, the run would poll too rarely.'),
  'http.connect_timeout': atMost(
    http.connect_timeout_ms,
    'With a longer timeout, each request could take longer.',
  ),
  'http.request_timeout': only(
    http.request_timeout_ms,
    'With a shorter timeout, answers are lost and settle ends earlier; with a longer one, each request could take longer.',
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

/** Settings of a found config that its rules do not allow. Pure; for documents that passed the schema. */
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
    error(
      FOUND_LIMIT,
      `${key} must be ${allowed}, not ${written}: this config was found, and not named with --config`,
      {
        detail: `${because} The default is ${show(standard)}. Anyone who can open a pull request can change this file.`,
        remedy: `remove ${key} from it; or, if no pull request can change it, name it: --config ${shellPath(document.source.file)}, or VBSCTL_CONFIG`,
        where: where(document, path),
      },
    ),
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
