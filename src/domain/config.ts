import type { CloudApi } from './cloud.ts';

/** The operator's settings, every default applied. Durations in milliseconds. */
export interface Config {
  /** An entry of clouds.yaml, or `emulator`; absent: `OS_CLOUD`, else the `OS_*` variables. */
  readonly cloud?: string;
  readonly api: CloudApi | 'auto';
  /** Files and directories, relative to the config file. */
  readonly manifests: readonly string[];
  readonly state?: string;
  readonly apply: ApplySettings;
  readonly retry: RetrySettings;
  readonly poll: PollSettings;
  readonly http: HttpSettings;
  readonly policy: Policy;
}

interface ApplySettings {
  readonly parallelism: number;
  readonly requests_per_second: number;
  /** After this number of failed or unknown restores nothing new starts. 0: no limit. */
  readonly max_failures: number;
  /** How long one run follows a restore; `timeout` of a manifest overrides it. */
  readonly timeout_ms: number;
}

export interface RetrySettings {
  /** No attempt of a restore begins later than this after the first that failed. */
  readonly give_up_after_ms: number;
  readonly min_delay_ms: number;
  readonly max_delay_ms: number;
  /**
   * The longest `Retry-After` that vbsctl waits. If a cloud asks for more, reads fail at once, and a run that follows
   * restores pauses this long and asks again.
   */
  readonly max_retry_after_ms: number;
  /** How long an unanswered POST may still take effect; nothing is repeated before. */
  readonly settle_ms: number;
  readonly after_ambiguous: 'retry' | 'stop';
}

export interface PollSettings {
  readonly min_interval_ms: number;
  readonly max_interval_ms: number;
}

export interface HttpSettings {
  readonly connect_timeout_ms: number;
  /** From the first byte of a request to the last of its answer. */
  readonly request_timeout_ms: number;
  readonly max_response_bytes: number;
  /** Pages of one list. */
  readonly max_list_pages: number;
  /** Bytes of all pages of one list. */
  readonly max_list_bytes: number;
  /** Bytes of all answers to the reads of one run; then no further read is sent. */
  readonly max_run_bytes: number;
}

/** Limits that no manifest can lift. A limit that is absent does not apply. */
export interface Policy {
  readonly max_restores?: number;
  readonly max_backup_age_ms?: number;
  /** Ids or name globs of volumes that nothing may be restored into. */
  readonly protected_volumes: readonly string[];
  /** Labels that every set must carry, with a value. */
  readonly require_labels?: readonly string[];
  /** Every restore must have `expect`. */
  readonly require_expect?: boolean;
  readonly require_valid_until?: boolean;
  /** Only saved plans that a trusted key has signed may start restores. */
  readonly require_signed_plans?: boolean;
  /** Names of the sets whose restores may run. Default: all. */
  readonly allowed_sets?: readonly string[];
}

/** The longest `retry.settle`, ms: also a state holds no longer one. */
export const SETTLE_MS_MAX = 86_400_000;

export const DEFAULT_CONFIG: Config = {
  api: 'vbs',
  manifests: [],
  apply: { parallelism: 10, requests_per_second: 20, max_failures: 3, timeout_ms: 2 * 3_600_000 },
  retry: {
    give_up_after_ms: 15 * 60_000,
    min_delay_ms: 1_000,
    max_delay_ms: 60_000,
    max_retry_after_ms: 5 * 60_000,
    settle_ms: 120_000,
    after_ambiguous: 'retry',
  },
  poll: { min_interval_ms: 2_000, max_interval_ms: 30_000 },
  http: {
    connect_timeout_ms: 10_000,
    request_timeout_ms: 60_000,
    max_response_bytes: 32 * 1024 ** 2,
    max_list_pages: 1_000,
    max_list_bytes: 256 * 1024 ** 2,
    max_run_bytes: 16 * 1024 ** 3,
  },
  policy: { protected_volumes: [] },
};
