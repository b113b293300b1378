/**
 * A source of settings. The keys are those of clouds.yaml. Keys under `auth:` and next to it share one namespace, as in
 * the `OS_*` variables.
 */
export interface Source {
  /** `OS_* variables`, `cloud otc of /c/clouds.yaml`. */
  readonly description: string;
  /** Why this source was chosen: `named by OS_CLOUD`, `no cloud is named`. */
  readonly chosenBy: string;
  readonly file?: string;
  /** The working directory, if nobody named the file. The file may name no file outside of it. */
  readonly checkout?: string;
  get(key: string): SettingValue | undefined;
  keys(): readonly string[];
  /** `OS_USERNAME`, or `auth.username`. */
  nameOf(key: string): string;
  /** What a person sets, for remedies: `OS_CERT and OS_KEY`, `cert and key of cloud otc of /c/clouds.yaml`. */
  namesOf(...keys: readonly string[]): string;
  /** The remedy for a missing key. */
  remedyFor(key: string): string;
}

export interface SettingValue {
  readonly text: string;
  /** `OS_USERNAME`, `auth.username of /c/secure.yaml`. */
  readonly from: string;
}

export const OVERRIDE_SUFFIX = '_endpoint_override';

/** For people: `a, b and c`. */
export function joinedByAnd(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
