import type { SourcePosition } from './diagnostic.ts';

/** `set/name` of a declared restore. It is not its identity: a rename changes nothing. */
export type Address = string;

const NAME_PATTERN = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
/** A set name or restore name in manifests. */
export const NAME = new RegExp(`^${NAME_PATTERN}$`);
export const ADDRESS = new RegExp(`^${NAME_PATTERN}/${NAME_PATTERN}$`);

export function addressOf(set: string, name: string): Address {
  return `${set}/${name}`;
}

/** A rule that selects a backup when the plan is made. */
export interface Selector {
  /** Selects the newest backup whose data was taken at or before this time; `latest`: when the plan is made. */
  readonly as_of: string;
  /** How much older than `as_of` it may be (`6h`), as written. */
  readonly within?: string;
  /** The volume that the backup was made of. Default: the volume to restore. */
  readonly of_volume?: string;
  readonly name?: string;
}

export type BackupRef =
  | { readonly by: 'id'; readonly id: string }
  | { readonly by: 'selector'; readonly selector: Selector };
export type VolumeRef =
  | { readonly by: 'id'; readonly id: string }
  | { readonly by: 'name'; readonly name: string };

/** What the author of the manifest expects of the volume; a mismatch blocks the restore. */
export interface Expectation {
  readonly volume_name?: string;
  /** Name or id of the server that the volume is attached to. */
  readonly server?: string;
  /** GB. */
  readonly size?: number;
}

/** One declared restore, defaults applied. */
export interface RestoreSpec {
  readonly address: Address;
  readonly set: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly volume: VolumeRef;
  readonly backup: BackupRef;
  /** Default and minimum: 1. A higher number asks for the same restore again. */
  readonly generation: number;
  readonly expect: Expectation;
  readonly depends_on: readonly Address[];
  /** How long one run follows it before leaving it to a later run, ms. Default: `apply.timeout` of the config. */
  readonly timeout_ms?: number;
  /** When it expires if it is not done. ISO 8601 UTC. */
  readonly valid_until?: string;
  readonly valid_until_source?: SourcePosition;
  /**
   * `true`: once it is done, nothing is restored into its volume any more; its record stores this. `false` ends that. Absent:
   * as in the record.
   */
  readonly protect?: boolean;
  readonly source: SourcePosition;
}

/** A file (or stdin, `-`) that restores were read from. */
export interface ManifestFile {
  readonly path: string;
  readonly sha256: string;
}

/** Equal for selectors with equal fields, in whatever order they were written. */
export function selectorKey(selector: Selector): string {
  return JSON.stringify([
    selector.as_of,
    selector.within ?? null,
    selector.of_volume ?? null,
    selector.name ?? null,
  ]);
}

/** The rule of a declaration, if it has one. */
export function selectorOf({ backup }: RestoreSpec): Selector | undefined {
  return backup.by === 'selector' ? backup.selector : undefined;
}

/** Characters of the name of a set or restore. */
export const NAME_LENGTH_MAX = 63;

/** A text as the name of a set or restore: lower-case letters, digits and dashes; empty if it has no letter or digit. */
export function toName(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, NAME_LENGTH_MAX)
    .replace(/^-+|-+$/g, '');
}
