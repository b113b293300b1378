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
  amount,
  type Check,
  fields,
  flag,
  integerFrom,
  isObject,
  listOf,
  maybe,
  oneOf,
  text,
  textLike,
  time,
  variants,
  word,
  yes,
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

const address: Check<string> = textLike(/^[^/]+\/[^/]+$/, 'an address (set/name)');

/** SHA-1, or SHA-256 in git repositories that use it. */
const gitCommit: Check<string> = textLike(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/, 'a commit in hexadecimal');

export const sha256: Check<string> = textLike(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal');

export const waiver: Check<Waiver> = oneOf(...(Object.keys(WAIVERS) as Waiver[]));

export const target = fields<CloudProject>({
  auth_url: word,
  region: text,
  project_id: word,
  project_name: maybe(text),
});

const cloudFailure = fields<CloudFailure>({
  cause: oneOf('no_connection', 'connection_lost', 'timeout', 'status', 'unreadable'),
  message: text,
  status: maybe(integerFrom(0)),
  code: maybe(text),
  request_id: maybe(text),
  retry_after_ms: maybe(amount),
});

// Times are text here: the cloud's own form is kept, because verdicts compare it.
const shown = fields<Omit<FoundResource, 'reading'>>({
  status: text,
  updated_at: maybe(text),
  src_backup_id: maybe(text),
});
const notShown = fields<MissingResource>({ reading: oneOf('gone', 'unreadable') });
const seen: Check<ObservedResource> = (value) =>
  isObject(value) && value.reading !== undefined ? notShown(value) : shown(value);
const observation = fields<Observation>({ at: time, volume: seen, backup: seen, confirmed: maybe(yes) });
const baseline = fields<Baseline>({ at: time, volume: shown, backup: shown, confirmed: maybe(yes) });

const anyAttempt = {
  intended_at: time,
  settled: maybe(fields<Settlement>({ at: time, for_ms: amount, seen: observation })),
};
const anyAnswer = {
  ...anyAttempt,
  answered_at: time,
  request_id: maybe(text),
  written_late_ms: maybe(amount),
};
const unanswered = fields<Pick<UnansweredAttempt, keyof typeof anyAttempt>>(anyAttempt);
const accepted = fields<Omit<AcceptedAttempt, 'failure'>>({
  ...anyAnswer,
  answer: oneOf('accepted'),
  job_id: maybe(text),
});
const failed = fields<Omit<FailedAttempt, 'job_id'>>({
  ...anyAnswer,
  answer: oneOf('not_sent', 'rejected', 'rejected_for_now', 'unauthorized', 'ambiguous'),
  failure: cloudFailure,
});
const attempt: Check<Attempt> = (value) => {
  if (!isObject(value) || value.answer === undefined) return unanswered(value);
  return value.answer === 'accepted' ? accepted(value) : failed(value);
};

const observationHistory = fields<ObservationHistory>({
  observations: listOf(observation),
  contradiction: maybe(fields<Contradiction>({ at: time, reason: text })),
});

const observed = fields<SuccessProof>({
  at: time,
  job: maybe(fields<{ id: string; status: string }>({ id: text, status: text })),
  volume: maybe(seen),
  backup: maybe(seen),
});

const resolution = fields<Resolution>({
  as: oneOf('succeeded', 'not-started', 'failed'),
  reason: text,
  by: text,
  at: time,
});

const selector = fields<Selector>({
  as_of: word,
  within: maybe(word),
  of_volume: maybe(word),
  name: maybe(word),
});

const attachment = fields<Attachment>({
  server_id: text,
  server_name: maybe(text),
  device: maybe(text),
});

const common = {
  address,
  volume_id: word,
  backup_id: word,
  generation: integerFrom(1),
  selector: maybe(selector),
  names: fields<Names>({ volume_name: text, backup_name: text, backup_created_at: text, size: amount }),
  baseline,
  attempts: listOf(attempt),
  updated_at: time,
  attached_before: maybe(listOf(attachment)),
  plan_digest: maybe(sha256),
  protect: maybe(flag),
  protect_changed_at: maybe(time),
  api: maybe(oneOf('vbs', 'cinder')),
  settle_ms: maybe(integerFrom(0, SETTLE_MS_MAX)),
};

export const record = variants<RestoreRecord, 'status'>('status', {
  intended: fields<Intended>({
    ...common,
    status: oneOf('intended'),
    observation_history: maybe(observationHistory),
  }),
  running: fields<Running>({
    ...common,
    status: oneOf('running'),
    evidence: oneOf('accepted', 'adopted'),
    started_at: time,
    job_id: maybe(text),
    observation_history: maybe(observationHistory),
  }),
  succeeded: fields<Succeeded>({
    ...common,
    status: oneOf('succeeded'),
    evidence: oneOf('accepted', 'adopted', 'resolved', 'imported'),
    started_at: maybe(time),
    finished_at: time,
    job_id: maybe(text),
    resolution: maybe(resolution),
    observed: maybe(observed),
  }),
  failed: fields<Failed>({
    ...common,
    status: oneOf('failed'),
    touched: oneOf('no', 'maybe'),
    reason: text,
    finished_at: time,
    job_id: maybe(text),
    resolution: maybe(resolution),
  }),
  unknown: fields<Unknown>({
    ...common,
    status: oneOf('unknown'),
    reason: text,
    observations: listOf(observation),
    job_id: maybe(text),
  }),
});

const actor = fields<Actor>({
  who: text,
  operation: text,
  version: text,
  git_commit: maybe(gitCommit),
  plan_digest: maybe(sha256),
  waivers: maybe(listOf(waiver)),
});
const move = { from: address, to: address };

export const commit = fields<Commit>({
  serial: integerFrom(1),
  at: time,
  actor,
  changes: listOf(
    variants<Change, 'type'>('type', {
      record: fields({ type: oneOf('record'), record }),
      moved: fields({ type: oneOf('moved'), moves: listOf(fields<Move>(move)) }),
      removed: fields({ type: oneOf('removed'), address }),
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

const version = fields<{ lineage: string; serial: number }>({ lineage: word, serial: integerFrom(0) });

export const storedEntry = variants<StoredEntry, 'type'>('type', {
  closed: fields({ ...entry, type: oneOf('closed'), record }),
  moved: fields({ ...entry, ...move, type: oneOf('moved') }),
  removed: fields({ ...entry, type: oneOf('removed'), record }),
  pushed: fields<Extract<StoredEntry, { type: 'pushed' }>>({
    ...entry,
    type: oneOf('pushed'),
    over: maybe(version),
    allowed: maybe(listOf(oneOf<PushRisk>('other-lineage', 'older-serial', 'forgotten-restores'))),
  }),
  state_accepted: fields<Extract<StoredEntry, { type: 'state_accepted' }>>({
    ...entry,
    type: oneOf('state_accepted'),
    reason: text,
    over: maybe(version),
    records: maybe(listOf(fields<AcceptedRecord>({ address, record: maybe(record) }))),
  }),
});

export const movedTo = fields<MigratedTo>({ location: word, at: time, by: text, serial: integerFrom(0) });
