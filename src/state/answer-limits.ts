import { constants } from 'node:buffer';
import { parseDuration } from '../domain/duration.ts';
import type { Env } from '../domain/env.ts';
import { Failure } from '../domain/errors.ts';

/** Limits for the servers that store states: bytes of an answer after decompression, and time of a request. */

/** For a state, both read and written: about 150,000 restores. */
export const STATE_BYTES_MAX = 256 * 1024 * 1024;
/** For everything else: a lock, an error. */
export const LOCK_BYTES_MAX = 256 * 1024;

const SIZE_VARIABLE = 'VBSCTL_STATE_SIZE_LIMIT';
const TIMEOUT_VARIABLE = 'VBSCTL_STATE_TIMEOUT';
const TIMEOUT_MS = 30_000;

/** `VBSCTL_STATE_SIZE_LIMIT`, such as `512MiB`, which is the most; default 256MiB. */
export function stateBytesMax(env: Env): number {
  const text = env[SIZE_VARIABLE]?.trim();
  if (!text) return STATE_BYTES_MAX;
  const [, digits, unit] = /^([0-9]{1,6})(MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(digits) * (unit === 'GiB' ? 1024 ** 3 : 1024 ** 2);
  if (bytes > 0) return Math.min(bytes, constants.MAX_STRING_LENGTH);
  throw Failure.of('usage', 'state-size-limit', `${SIZE_VARIABLE} must be a size in MiB or GiB`, {
    remedy: `write it like ${SIZE_VARIABLE}=512MiB, or unset it for ${sizeText(STATE_BYTES_MAX)}`,
  });
}

/** `VBSCTL_STATE_TIMEOUT`, such as `2m`: for a request with its whole answer; default 30 s, from 1 s to 1 h. */
export function stateTimeoutMs(env: Env): number {
  const text = env[TIMEOUT_VARIABLE]?.trim();
  if (!text) return TIMEOUT_MS;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1_000 && ms <= 3_600_000) return ms;
  throw Failure.of('usage', 'state-timeout', `${TIMEOUT_VARIABLE} must be a duration from 1s to 1h`, {
    remedy: `write it like ${TIMEOUT_VARIABLE}=2m, or unset it for 30s`,
  });
}

/** `location`: of what a server sends. */
export function tooLarge(what: string, bytesMax: number, location?: string): Failure {
  const detail =
    bytesMax === constants.MAX_STRING_LENGTH
      ? 'Node.js cannot read a longer text. Nothing was changed.'
      : 'Nothing was changed. The limit protects against a server that sends data without end, or data that decompresses to it.';
  return Failure.of('state', 'state-too-large', `${what} is larger than ${sizeText(bytesMax)}`, {
    detail,
    ...(location === undefined ? {} : { where: { file: location } }),
    remedy: remedyFor(bytesMax),
  });
}

function remedyFor(bytesMax: number): string {
  if (bytesMax === LOCK_BYTES_MAX)
    return 'check what answers at that address: it is not a state server of this kind';
  if (bytesMax === constants.MAX_STRING_LENGTH)
    return 'keep further restores in another state (--state), from manifests of their own';
  const more = Math.min(Math.ceil((2 * bytesMax) / 1024 ** 2), 512);
  return `if the state is really so large: ${SIZE_VARIABLE}=${more}MiB`;
}

function sizeText(bytes: number): string {
  return bytes < 1024 ** 2 ? `${bytes / 1024} KiB` : `${Math.round(bytes / 1024 ** 2)} MiB`;
}
