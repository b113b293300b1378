import { optional } from './optional.ts';

/** What the user requires of a state: `--minimum-serial`. */
export interface MinimumState {
  readonly serial: number;
  /** The beginning of a hash that its history must have (16 to 64 hex digits), as the last run printed it. */
  readonly hash?: string;
}

/** `SERIAL` or `SERIAL:HASH`, as `apply` prints them; undefined if it is neither. */
export function parseMinimum(text: string): MinimumState | undefined {
  const [, serial, hash] = /^([0-9]{1,15})(?::([0-9a-f]{16,64}))?$/.exec(text) ?? [];
  return serial === undefined ? undefined : { serial: Number(serial), ...optional('hash', hash) };
}

/** As `parseMinimum` reads it. `hash`: the last of the history; undefined if that is empty. */
export function minimumText(serial: number, hash: string | undefined): string {
  return hash === undefined ? `${serial}` : `${serial}:${hash.slice(0, HASH_LENGTH_SHOWN)}`;
}

/** Enough hex digits that no other entry has them. */
const HASH_LENGTH_SHOWN = 16;
