import type { Diagnostic, Place } from '../domain/diagnostic.ts';
import type {
  Action,
  BackupView,
  BlockedAction,
  ExpiredAction,
  FieldChange,
  NoopAction,
  Orphan,
  RestoreAction,
  ResumeAction,
  VolumeView,
  Wait,
} from '../domain/plan.ts';
import type { BoundPlan, SavedPlan, StateRef, Touch } from '../domain/saved-plan.ts';
import type { BackupRef, Expectation, ManifestFile, RestoreSpec, VolumeRef } from '../domain/spec.ts';
import type { Move } from '../domain/state.ts';
import { address, attachment, record, selector, sha256, target, waiver } from './record-shape.ts';
import {
  amount,
  type Check,
  fields,
  integerFrom,
  listOf,
  maybe,
  oneOf,
  text,
  time,
  variants,
  word,
} from './shape.ts';

/** The shapes of `domain/plan.ts` and `domain/saved-plan.ts`, as they lie in a plan file. */

const place = fields<Place>({
  file: maybe(text),
  line: maybe(integerFrom(1)),
  column: maybe(integerFrom(1)),
  text: maybe(text),
  address: maybe(address),
});

const diagnostic = fields<Diagnostic>({
  severity: oneOf('error', 'warning', 'note'),
  code: word,
  summary: text,
  detail: maybe(text),
  remedy: maybe(text),
  where: maybe(place),
});

const volume = fields<VolumeView>({
  id: maybe(word),
  name: maybe(text),
  size: maybe(amount),
  status: maybe(text),
  attachments: maybe(listOf(attachment)),
});

const backup = fields<BackupView>({
  id: maybe(word),
  name: maybe(text),
  size: maybe(amount),
  created_at: maybe(text),
  of_volume_id: maybe(text),
  of_volume_name: maybe(text),
  selector: maybe(selector),
});

const expectation = fields<Expectation>({
  volume_name: maybe(text),
  server: maybe(text),
  size: maybe(amount),
});

const common = {
  address,
  volume,
  backup,
  generation: integerFrom(1),
  was: maybe(address),
  source: place,
};

const runnable = {
  selector: maybe(selector),
  expect: expectation,
  depends_on: listOf(address),
  timeout_ms: maybe(amount),
  valid_until: maybe(time),
};

/** Only what is pinned can be run. */
function pinned<T extends RestoreAction | ResumeAction>(check: Check<T>): Check<T> {
  return (value) => {
    const wrong = check(value);
    if (wrong) return wrong;
    const action = value as T;
    for (const what of ['volume', 'backup'] as const)
      if (action[what].id === undefined)
        return { path: [what, 'id'], expected: 'the id of what is restored', found: undefined };
    return undefined;
  };
}

const action = variants<Action, 'kind'>('kind', {
  restore: pinned(
    fields<RestoreAction>({
      ...common,
      ...runnable,
      kind: oneOf('restore'),
      cause: oneOf('first', 'again'),
      changes: listOf(fields<FieldChange>({ field: text, before: text, after: text })),
      waits_for: listOf(fields<Wait>({ what: text, commands: listOf(text), server: maybe(text) })),
    }),
  ),
  resume: pinned(
    fields<ResumeAction>({
      ...common,
      ...runnable,
      kind: oneOf('resume'),
      record: record as Check<ResumeAction['record']>,
      refused: listOf(diagnostic),
    }),
  ),
  noop: fields<NoopAction>({
    ...common,
    kind: oneOf('noop'),
    done_at: time,
    next_generation: maybe(integerFrom(1)),
    job_id: maybe(text),
    note_rule: maybe(selector),
    superseded_by: maybe(
      fields<NonNullable<NoopAction['superseded_by']>>({ address, backup_id: word, finished_at: time }),
    ),
  }),
  blocked: fields<BlockedAction>({
    ...common,
    kind: oneOf('blocked'),
    reasons: listOf(diagnostic),
    unknown: maybe(record as Check<NonNullable<BlockedAction['unknown']>>),
  }),
  expired: fields<ExpiredAction>({ ...common, kind: oneOf('expired'), valid_until: time }),
});

const plan = fields<BoundPlan>({
  format: (value) => (value === 1 ? undefined : { path: [], expected: 'the number 1', found: value }),
  created_at: time,
  tool_version: word,
  offline: (value) => (value === false ? undefined : { path: [], expected: 'false', found: value }),
  target,
  state: fields<StateRef>({ lineage: word, serial: integerFrom(0) }),
  manifests: listOf(fields<ManifestFile>({ path: text, sha256 })),
  actions: listOf(action),
  left_out: maybe(integerFrom(1)),
  orphans: listOf(
    fields<Orphan>({
      address,
      status: oneOf('intended', 'running', 'succeeded', 'failed', 'unknown'),
      volume_id: word,
      backup_id: word,
    }),
  ),
  moves: listOf(fields<Move>({ from: address, to: address })),
  notices: listOf(diagnostic),
});

const spec = fields<RestoreSpec>({
  address,
  set: word,
  name: word,
  labels: (value) =>
    typeof value === 'object' && value !== null && Object.values(value).every((v) => typeof v === 'string')
      ? undefined
      : { path: [], expected: 'a map of texts', found: value },
  volume: variants<VolumeRef, 'by'>('by', {
    id: fields({ by: oneOf('id'), id: word }),
    name: fields({ by: oneOf('name'), name: word }),
  }),
  backup: variants<BackupRef, 'by'>('by', {
    id: fields({ by: oneOf('id'), id: word }),
    selector: fields({ by: oneOf('selector'), selector }),
  }),
  generation: integerFrom(1),
  expect: expectation,
  depends_on: listOf(address),
  timeout_ms: maybe(amount),
  valid_until: maybe(time),
  valid_until_source: maybe(place),
  protect: maybe((value) =>
    typeof value === 'boolean' ? undefined : { path: [], expected: 'true or false', found: value },
  ),
  source: place,
});

export const savedPlan = fields<SavedPlan>({
  apiVersion: oneOf('vbsctl.dev/v1'),
  kind: oneOf('SavedPlan'),
  digest: sha256,
  plan,
  policy_sha256: sha256,
  waivers: listOf(waiver),
  declared: listOf(spec),
  touches: listOf(fields<Touch>({ address, sha256: maybe(sha256) })),
});
