import type { Attachment, CloudFailure } from '../domain/cloud.ts';
import type { CloudProject } from '../domain/cloud-project.ts';
import { SETTLE_MS_MAX } from '../domain/config.ts';
import type {
  Baseline,
  Contradiction,
  FoundResource,
  MissingResource,
  Observation,
  ObservationHistory,
  ObservedResource,
  SuccessProof,
} from '../domain/observation.ts';
import { WAIVERS, type Waiver } from '../domain/policy.ts';
import type {
  AcceptedAttempt,
  Attempt,
  Failed,
  FailedAttempt,
  Intended,
  Names,
  Resolution,
  RestoreRecord,
  Running,
  Settlement,
  Succeeded,
  UnansweredAttempt,
  Unknown,
} from '../domain/record.ts';
import {
  array,
  boolean,
  type Check,
  integerFrom,
  isObject,
  literalTrue,
  nonEmpty,
  nonNegative,
  object,
  oneOf,
  optionalField,
  pattern,
  string,
  time,
  variant,
} from '../domain/shape.ts';
import type { Selector } from '../domain/spec.ts';
import type {
  AcceptedRecord,
  Actor,
  Change,
  Commit,
  HistoryEntry,
  MigratedTo,
  Move,
  PushRisk,
} from '../domain/state.ts';

/** The shapes of `domain/record.ts` and `domain/state.ts` in files. */

const address: Check<string> = pattern(/^[^/]+\/[^/]+$/, 'an address (set/name)');

/** SHA-1, or SHA-256 in git repositories that use it. */
const gitCommit: Check<string> = pattern(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/, 'a commit in hexadecimal');

export const sha256: Check<string> = pattern(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal');

export const waiver: Check<Waiver> = oneOf(...(Object.keys(WAIVERS) as Waiver[]));

export const target = object<CloudProject>({
  auth_url: nonEmpty,
  region: string,
  project_id: nonEmpty,
  project_name: optionalField(string),
});

const cloudFailure = object<CloudFailure>({
  cause: oneOf('held_back', 'no_connection', 'connection_lost', 'timeout', 'status', 'unreadable'),
  message: string,
  status: optionalField(integerFrom(0)),
  code: optionalField(string),
  request_id: optionalField(string),
  retry_after_ms: optionalField(nonNegative),
});

// Times are text here: the cloud's own form is kept, because verdicts compare it.
const shown = object<Omit<FoundResource, 'reading'>>({
  status: string,
  updated_at: optionalField(string),
  src_backup_id: optionalField(string),
});
const notShown = object<MissingResource>({
  reading: oneOf('gone', 'unreadable'),
  reason: optionalField(string),
});
const seen: Check<ObservedResource> = (value) =>
  isObject(value) && value.reading !== undefined ? notShown(value) : shown(value);
const observation = object<Observation>({
  at: time,
  volume: seen,
  backup: seen,
  confirmed: optionalField(literalTrue),
});
const baseline = object<Baseline>({
  at: time,
  volume: shown,
  backup: shown,
  confirmed: optionalField(literalTrue),
});

const anyAttempt = {
  intended_at: time,
  settled: optionalField(object<Settlement>({ at: time, for_ms: nonNegative, seen: observation })),
};
const anyAnswer = {
  ...anyAttempt,
  answered_at: time,
  request_id: optionalField(string),
  written_late_ms: optionalField(nonNegative),
};
const unanswered = object<Pick<UnansweredAttempt, keyof typeof anyAttempt>>(anyAttempt);
const accepted = object<Omit<AcceptedAttempt, 'failure'>>({
  ...anyAnswer,
  answer: oneOf('accepted'),
  job_id: optionalField(string),
});
const failed = object<Omit<FailedAttempt, 'job_id'>>({
  ...anyAnswer,
  answer: oneOf('not_sent', 'rejected', 'rejected_for_now', 'unauthorized', 'ambiguous'),
  failure: cloudFailure,
});
const attempt: Check<Attempt> = (value) => {
  if (!isObject(value) || value.answer === undefined) return unanswered(value);
  return value.answer === 'accepted' ? accepted(value) : failed(value);
};

const observationHistory = object<ObservationHistory>({
  observations: array(observation),
  contradiction: optionalField(object<Contradiction>({ at: time, reason: string })),
});

const observed = object<SuccessProof>({
  at: time,
  job: optionalField(object<{ id: string; status: string }>({ id: string, status: string })),
  volume: optionalField(seen),
  backup: optionalField(seen),
});

const resolution = object<Resolution>({
  as: oneOf('succeeded', 'not-started', 'failed'),
  reason: string,
  by: string,
  at: time,
});

const selector = object<Selector>({
  as_of: nonEmpty,
  within: optionalField(nonEmpty),
  of_volume: optionalField(nonEmpty),
  name: optionalField(nonEmpty),
});

const attachment = object<Attachment>({
  server_id: string,
  server_name: optionalField(string),
  device: optionalField(string),
});

const begun = {
  address,
  volume_id: nonEmpty,
  backup_id: nonEmpty,
  generation: integerFrom(1),
  names: object<Names>({
    volume_name: string,
    backup_name: string,
    backup_created_at: string,
    size: nonNegative,
  }),
};

const common = {
  ...begun,
  selector: optionalField(selector),
  baseline,
  attempts: array(attempt),
  updated_at: time,
  attached_before: optionalField(array(attachment)),
  plan_digest: optionalField(sha256),
  protect: optionalField(boolean),
  protect_changed_at: optionalField(time),
  api: optionalField(oneOf('vbs', 'cinder')),
  settle_ms: optionalField(integerFrom(0, SETTLE_MS_MAX)),
};

export const record = variant<RestoreRecord, 'status'>('status', {
  intended: object<Intended>({
    ...common,
    status: oneOf('intended'),
    observation_history: optionalField(observationHistory),
  }),
  running: object<Running>({
    ...common,
    status: oneOf('running'),
    evidence: oneOf('accepted', 'adopted'),
    started_at: time,
    job_id: optionalField(string),
    observation_history: optionalField(observationHistory),
  }),
  succeeded: object<Succeeded>({
    ...common,
    status: oneOf('succeeded'),
    evidence: oneOf('accepted', 'adopted', 'resolved', 'imported'),
    started_at: optionalField(time),
    finished_at: time,
    job_id: optionalField(string),
    resolution: optionalField(resolution),
    observed: optionalField(observed),
  }),
  failed: object<Failed>({
    ...common,
    status: oneOf('failed'),
    touched: oneOf('no', 'maybe'),
    reason: string,
    finished_at: time,
    job_id: optionalField(string),
    resolution: optionalField(resolution),
  }),
  unknown: object<Unknown>({
    ...common,
    status: oneOf('unknown'),
    reason: string,
    observations: array(observation),
    job_id: optionalField(string),
  }),
});

const actor = object<Actor>({
  who: string,
  operation: string,
  version: string,
  git_commit: optionalField(gitCommit),
  plan_digest: optionalField(sha256),
  waivers: optionalField(array(waiver)),
});
const move = { from: address, to: address };

export const commit = object<Commit>({
  serial: integerFrom(1),
  at: time,
  actor,
  changes: array(
    variant<Change, 'type'>('type', {
      record: object({ type: oneOf('record'), record }),
      moved: object({ type: oneOf('moved'), moves: array(object<Move>(move)) }),
      removed: object({ type: oneOf('removed'), address }),
    }),
  ),
});

/** A history entry with its hash. */
export type StoredEntry = HistoryEntry & { readonly hash: string };

const entry = {
  serial: integerFrom(1),
  at: time,
  actor,
  hash: sha256,
};

const version = object<{ lineage: string; serial: number }>({ lineage: nonEmpty, serial: integerFrom(0) });

export const storedEntry = variant<StoredEntry, 'type'>('type', {
  begun: object({ ...entry, ...begun, type: oneOf('begun') }),
  closed: object({ ...entry, type: oneOf('closed'), record }),
  moved: object({ ...entry, ...move, type: oneOf('moved') }),
  removed: object({ ...entry, type: oneOf('removed'), record }),
  pushed: object<Extract<StoredEntry, { type: 'pushed' }>>({
    ...entry,
    type: oneOf('pushed'),
    over: optionalField(version),
    allowed: optionalField(array(oneOf<PushRisk>('other-lineage', 'older-serial', 'forgotten-restores'))),
  }),
  state_accepted: object<Extract<StoredEntry, { type: 'state_accepted' }>>({
    ...entry,
    type: oneOf('state_accepted'),
    reason: string,
    over: optionalField(version),
    records: optionalField(array(object<AcceptedRecord>({ address, record: optionalField(record) }))),
  }),
});

export const movedTo = object<MigratedTo>({
  location: nonEmpty,
  at: time,
  by: string,
  serial: integerFrom(0),
});
