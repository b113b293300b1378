import type { SourcePosition } from './diagnostic.ts';

/** `set/name`: where a restore is declared. Not its identity; a rename changes nothing. */
export type Address = string;

/** Pattern of a set name and of a restore name in manifests. */
export const NAME_PATTERN = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';

export function addressOf(set: string, name: string): Address {
  return `${set}/${name}`;
}

/** A rule that picks a backup when the plan is made. */
export interface Selector {
  /** The newest backup whose data was taken at or before this moment; `latest` means at plan time. */
  readonly as_of: string;
  /** How much older than `as_of` it may be (`6h`), as written. */
  readonly within?: string;
  /** The disk the backup was made of; the target disk when absent. */
  readonly of_volume?: string;
  readonly name?: string;
}

export type BackupRef =
  | { readonly by: 'id'; readonly id: string }
  | { readonly by: 'selector'; readonly selector: Selector };
export type VolumeRef =
  | { readonly by: 'id'; readonly id: string }
  | { readonly by: 'name'; readonly name: string };

/** What the author believes about the disk; a mismatch blocks. */
export interface Expectation {
  readonly volume_name?: string;
  /** Name or id of the server the disk belongs to. */
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
  /** Raising it is how a person asks for the same restore again. From 1. */
  readonly generation: number;
  readonly expect: Expectation;
  readonly depends_on: readonly Address[];
  /** How long one run follows it before leaving it to a later run; the config's default when absent. */
  readonly timeout_ms?: number;
  /** Undone by then, it expires. ISO 8601 UTC. */
  readonly valid_until?: string;
  readonly valid_until_source?: SourcePosition;
  /**
   * Once it is done, nothing is restored into its disk any more: the record keeps that. `false` lifts it again; absent,
   * it stays as the record has it.
   */
  readonly protect?: boolean;
  readonly source: SourcePosition;
}

/** A file (or stdin, `-`) that restores were read from. */
export interface ManifestFile {
  readonly path: string;
  readonly sha256: string;
}

/** The same selector in the same words, whatever order its keys were written in. */
export function selectorKey(selector: Selector): string {
  return JSON.stringify([
    selector.as_of,
    selector.within ?? null,
    selector.of_volume ?? null,
    selector.name ?? null,
  ]);
}
