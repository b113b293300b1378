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
  type SavedBackup,
  type SavedBlocked,
  type SavedExpired,
  type SavedNoop,
  type SavedNotice,
  type SavedPlan,
  type SavedRestore,
  type SavedResume,
  type SavedVolume,
  type StateRef,
} from '../domain/saved-plan.ts';
import {
  array,
  boolean,
  type Check,
  integerFrom,
  isObject,
  literalTrue,
  nonNegative,
  object,
  oneOf,
  optionalField,
  pattern,
  refine,
  refineString,
  time,
  variant,
} from '../domain/shape.ts';
import {
  ADDRESS,
  type BackupRef,
  type Expectation,
  type ManifestFile,
  NAME,
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

const name = pattern(NAME, 'a name as in a manifest');
const address = pattern(ADDRESS, 'an address (set/name)');
/** Capitals are refused: the state would see another restore, but a cloud whose database ignores case the same one. */
const id = pattern(/^[a-z0-9][-_a-z0-9]{0,63}$/, 'an id in lower case');
const code = pattern(/^[a-z0-9]+(-[a-z0-9]+){0,9}$/, 'a code of words and dashes');
const text = upTo(PLAN_TEXT_LENGTH_MAX);

function upTo(length: number): Check<string> {
  return refineString((value) => value.length <= length, `a text of at most ${length} characters`);
}

/** As in a cloud or a manifest, in any time zone. */
const moment = refineString((value) => value.length <= 64 && !Number.isNaN(Date.parse(value)), 'a time');

const asOf: Check<string> = (value) => (value === 'latest' ? undefined : moment(value));

const duration = refineString(
  (value) => value.length <= 64 && parseDuration(value) !== undefined,
  'a duration like 6h',
);

const place = object<SourcePosition>({
  file: optionalField(text),
  line: optionalField(integerFrom(1)),
  column: optionalField(integerFrom(1)),
  text: optionalField(text),
  address: optionalField(address),
});

const selector = object<Selector>({
  as_of: asOf,
  within: optionalField(duration),
  of_volume: optionalField(id),
  name: optionalField(text),
});

const labels = refine<RestoreSpec['labels']>(
  (value) =>
    isObject(value) && Object.entries(value).every(([key, v]) => key.length <= 256 && text(v) === undefined),
  'a map of texts',
);

const policy = object<Policy>({
  max_restores: optionalField(nonNegative),
  max_backup_age_ms: optionalField(nonNegative),
  protected_volumes: array(upTo(255), NAMES_MAX),
  require_labels: optionalField(array(upTo(253), 64)),
  require_expect: optionalField(boolean),
  require_valid_until: optionalField(boolean),
  require_signed_plans: optionalField(boolean),
  allowed_sets: optionalField(array(upTo(63), NAMES_MAX)),
});

const YEAR_MS = 365 * 86_400_000;

const spec = object<RestoreSpec>({
  address,
  set: name,
  name,
  labels,
  volume: variant<VolumeRef, 'by'>('by', {
    id: object({ by: oneOf('id'), id }),
    name: object({ by: oneOf('name'), name: text }),
  }),
  backup: variant<BackupRef, 'by'>('by', {
    id: object({ by: oneOf('id'), id }),
    selector: object({ by: oneOf('selector'), selector }),
  }),
  generation: integerFrom(1),
  expect: object<Expectation>({
    volume_name: optionalField(text),
    server: optionalField(text),
    size: optionalField(nonNegative),
  }),
  depends_on: array(address),
  timeout_ms: optionalField(
    refine(
      (value) => nonNegative(value) === undefined && (value as number) <= YEAR_MS,
      'milliseconds, at most a year',
    ),
  ),
  valid_until: optionalField(time),
  valid_until_source: optionalField(place),
  protect: optionalField(boolean),
  source: place,
});

const runnable = {
  declared: spec,
  was: optionalField(address),
  volume: object<SavedVolume>({ id, name: optionalField(text), size: optionalField(nonNegative) }),
  backup: object<SavedBackup>({
    id,
    name: optionalField(text),
    size: optionalField(nonNegative),
    created_at: optionalField(moment),
    of_volume_id: optionalField(id),
  }),
};

const action = variant<SavedAction, 'kind'>('kind', {
  restore: object<SavedRestore>({
    ...runnable,
    kind: oneOf('restore'),
    again: boolean,
    changes: array(object<FieldChange>({ field: text, before: text, after: text })),
  }),
  resume: object<SavedResume>({ ...runnable, kind: oneOf('resume') }),
  noop: object<SavedNoop>({
    declared: spec,
    was: optionalField(address),
    volume: object<SavedNoop['volume']>({ id }),
    backup: object<SavedNoop['backup']>({ id }),
    kind: oneOf('noop'),
    done_at: time,
    records_selector: optionalField(literalTrue),
    records_protect: optionalField(literalTrue),
  }),
  blocked: object<SavedBlocked>({ declared: spec, kind: oneOf('blocked'), reasons: array(code) }),
  expired: object<SavedExpired>({ declared: spec, kind: oneOf('expired') }),
});

export const savedPlan = object<SavedPlan>({
  apiVersion: oneOf('vbsctl.dev/v1'),
  kind: oneOf('SavedPlan'),
  digest: sha256,
  signature: optionalField(
    object<PlanSignature>({
      key: sha256,
      value: pattern(/^[A-Za-z0-9+/]{86}==$/, 'an Ed25519 signature in base64'),
    }),
  ),
  created_at: time,
  tool_version: pattern(/^[-+.0-9A-Za-z]{1,64}$/, 'a version'),
  target,
  state: object<StateRef>({
    lineage: pattern(/^[-_.0-9A-Za-z]{1,128}$/, 'a lineage'),
    serial: integerFrom(0),
  }),
  manifests: array(object<ManifestFile>({ path: text, sha256 }), FILES_MAX),
  selection: array(text, FILES_MAX),
  policy,
  waivers: array(waiver, 100),
  actions: array(action, RESTORES_MAX),
  renamed: array(
    object<Renamed>({ declared: spec, volume_id: id, backup_id: id, was: address }),
    RESTORES_MAX,
  ),
  left_out: optionalField(integerFrom(1)),
  records: array(object<PlannedRecord>({ address, sha256: optionalField(sha256) }), FACTS_MAX),
  notices: array(
    object<SavedNotice>({
      severity: oneOf('warning', 'note'),
      code,
      summary: text,
      address: optionalField(address),
    }),
    FACTS_MAX,
  ),
});
