import type { Attachment } from '../domain/cloud.ts';
import type { Policy } from '../domain/config.ts';
import type { SourcePosition } from '../domain/diagnostic.ts';
import { parseDuration } from '../domain/duration.ts';
import type { FieldChange } from '../domain/plan.ts';
import {
  PLAN_TEXT_LENGTH_MAX,
  type PlannedRecord,
  type PlanSignature,
  type Renamed,
  type SavedAction,
  type SavedBlocked,
  type SavedExpired,
  type SavedNoop,
  type SavedNotice,
  type SavedPlan,
  type SavedRestore,
  type SavedResume,
  type StateRef,
} from '../domain/saved-plan.ts';
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
  textLike,
  textThat,
  that,
  time,
  variants,
  yes,
} from '../domain/shape.ts';
import {
  type BackupRef,
  type Expectation,
  type ManifestFile,
  NAME_PATTERN,
  type RestoreSpec,
  type Selector,
  type VolumeRef,
} from '../domain/spec.ts';
import { sha256, target, waiver } from './record-shape.ts';

/**
 * The shapes of `domain/saved-plan.ts` in a file that anybody may have written. Stricter than those of a state: what
 * becomes part of a command (addresses, ids, codes) is as restricted as in a manifest, and no text is longer than what a
 * cloud or a manifest contains.
 */

/** Manifests may declare as many. */
const RESTORES_MAX = 100_000;
/** For records and for notices: a restore touches two records and has a few notices. */
const FACTS_MAX = 400_000;
/** A run reads as many files. */
const FILES_MAX = 10_000;
/** A config may list as many. */
const NAMES_MAX = 10_000;

const name = textLike(new RegExp(`^${NAME_PATTERN}$`), 'a name as in a manifest');
const address = textLike(new RegExp(`^${NAME_PATTERN}/${NAME_PATTERN}$`), 'an address (set/name)');
/** Capitals are refused: the state would see another restore, but a cloud whose database ignores case the same one. */
const id = textLike(/^[a-z0-9][-_a-z0-9]{0,63}$/, 'an id in lower case');
const code = textLike(/^[a-z0-9]+(-[a-z0-9]+){0,9}$/, 'a code of words and dashes');
const text = upTo(PLAN_TEXT_LENGTH_MAX);

function upTo(length: number): Check<string> {
  return textThat((value) => value.length <= length, `a text of at most ${length} characters`);
}

/** As in a cloud or a manifest, in any time zone. */
const moment = textThat((value) => value.length <= 64 && !Number.isNaN(Date.parse(value)), 'a time');

const asOf: Check<string> = (value) => (value === 'latest' ? undefined : moment(value));

const duration = textThat(
  (value) => value.length <= 64 && parseDuration(value) !== undefined,
  'a duration like 6h',
);

const place = fields<SourcePosition>({
  file: maybe(text),
  line: maybe(integerFrom(1)),
  column: maybe(integerFrom(1)),
  text: maybe(text),
  address: maybe(address),
});

const selector = fields<Selector>({
  as_of: asOf,
  within: maybe(duration),
  of_volume: maybe(id),
  name: maybe(text),
});

const volumeFacts = {
  name: maybe(text),
  size: maybe(amount),
  status: maybe(text),
  attachments: maybe(
    listOf(fields<Attachment>({ server_id: text, server_name: maybe(text), device: maybe(text) })),
  ),
};

const backupFacts = {
  name: maybe(text),
  size: maybe(amount),
  created_at: maybe(moment),
  of_volume_id: maybe(id),
  of_volume_name: maybe(text),
};

const labels = that<RestoreSpec['labels']>(
  (value) =>
    isObject(value) && Object.entries(value).every(([key, v]) => key.length <= 256 && text(v) === undefined),
  'a map of texts',
);

const policy = fields<Policy>({
  max_restores: maybe(amount),
  max_backup_age_ms: maybe(amount),
  protected_volumes: listOf(upTo(255), NAMES_MAX),
  require_labels: maybe(listOf(upTo(253), 64)),
  require_expect: maybe(flag),
  require_valid_until: maybe(flag),
  require_signed_plans: maybe(flag),
  allowed_sets: maybe(listOf(upTo(63), NAMES_MAX)),
});

const YEAR_MS = 365 * 86_400_000;

const spec = fields<RestoreSpec>({
  address,
  set: name,
  name,
  labels,
  volume: variants<VolumeRef, 'by'>('by', {
    id: fields({ by: oneOf('id'), id }),
    name: fields({ by: oneOf('name'), name: text }),
  }),
  backup: variants<BackupRef, 'by'>('by', {
    id: fields({ by: oneOf('id'), id }),
    selector: fields({ by: oneOf('selector'), selector }),
  }),
  generation: integerFrom(1),
  expect: fields<Expectation>({ volume_name: maybe(text), server: maybe(text), size: maybe(amount) }),
  depends_on: listOf(address),
  timeout_ms: maybe(
    that(
      (value) => amount(value) === undefined && (value as number) <= YEAR_MS,
      'milliseconds, at most a year',
    ),
  ),
  valid_until: maybe(time),
  valid_until_source: maybe(place),
  protect: maybe(flag),
  source: place,
});

const declared = { declared: spec, was: maybe(address) };
const pinned = {
  ...declared,
  volume: fields<SavedRestore['volume']>({ ...volumeFacts, id }),
  backup: fields<SavedRestore['backup']>({ ...backupFacts, id }),
};
const unpinned = {
  ...declared,
  volume: fields<SavedBlocked['volume']>({ ...volumeFacts, id: maybe(id) }),
  backup: fields<SavedBlocked['backup']>({ ...backupFacts, id: maybe(id) }),
};

const action = variants<SavedAction, 'kind'>('kind', {
  restore: fields<SavedRestore>({
    ...pinned,
    kind: oneOf('restore'),
    cause: oneOf('first', 'again'),
    changes: listOf(fields<FieldChange>({ field: text, before: text, after: text })),
  }),
  resume: fields<SavedResume>({ ...pinned, kind: oneOf('resume') }),
  noop: fields<SavedNoop>({
    ...pinned,
    kind: oneOf('noop'),
    done_at: time,
    records_selector: maybe(yes),
    records_protect: maybe(yes),
  }),
  blocked: fields<SavedBlocked>({ ...unpinned, kind: oneOf('blocked'), reasons: listOf(code) }),
  expired: fields<SavedExpired>({ ...unpinned, kind: oneOf('expired') }),
});

export const savedPlan = fields<SavedPlan>({
  apiVersion: oneOf('vbsctl.dev/v1'),
  kind: oneOf('SavedPlan'),
  digest: sha256,
  signature: maybe(
    fields<PlanSignature>({
      key: sha256,
      value: textLike(/^[A-Za-z0-9+/]{86}==$/, 'an Ed25519 signature in base64'),
    }),
  ),
  created_at: time,
  tool_version: textLike(/^[-+.0-9A-Za-z]{1,64}$/, 'a version'),
  target,
  state: fields<StateRef>({
    lineage: textLike(/^[-_.0-9A-Za-z]{1,128}$/, 'a lineage'),
    serial: integerFrom(0),
  }),
  manifests: listOf(fields<ManifestFile>({ path: text, sha256 }), FILES_MAX),
  selection: listOf(text, FILES_MAX),
  policy,
  waivers: listOf(waiver, 100),
  actions: listOf(action, RESTORES_MAX),
  renamed: listOf(
    fields<Renamed>({ declared: spec, volume_id: id, backup_id: id, was: address }),
    RESTORES_MAX,
  ),
  left_out: maybe(integerFrom(1)),
  records: listOf(fields<PlannedRecord>({ address, sha256: maybe(sha256) }), FACTS_MAX),
  notices: listOf(
    fields<SavedNotice>({
      severity: oneOf('warning', 'note'),
      code,
      summary: text,
      address: maybe(address),
    }),
    FACTS_MAX,
  ),
});
