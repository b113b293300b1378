import { parseDuration } from '../domain/duration.ts';
import { Failure } from '../domain/errors.ts';
import type { Env } from '../network/proxy.ts';

/**
 * How large an answer of a state's place may be, after decompression (more is neither read nor written), and how long
 * one request may take, its whole answer included.
 */

/** Of a state: some 150,000 restores. */
export const STATE_BYTES_MAX = 256 * 1024 * 1024;
/** Of everything else: a lock, an error. */
export const LOCK_BYTES_MAX = 256 * 1024;

const VARIABLE = 'VBSCTL_STATE_SIZE_LIMIT';
const TIMEOUT_VARIABLE = 'VBSCTL_STATE_TIMEOUT';
const TIMEOUT_MS = 30_000;

/** `VBSCTL_STATE_SIZE_LIMIT`, such as `512MiB`; default 256MiB. */
export function stateBytesMax(env: Env): number {
  const text = env[VARIABLE]?.trim();
  if (text === undefined || text === '') return STATE_BYTES_MAX;
  const [, digits, unit] = /^([0-9]{1,6})(MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(digits) * (unit === 'GiB' ? 1024 ** 3 : 1024 ** 2);
  if (bytes > 0) return bytes;
  throw Failure.of('usage', 'state-size-limit', `${VARIABLE} must be a size in MiB or GiB`, {
    remedy: `write it like ${VARIABLE}=512MiB, or unset it for ${sizeText(STATE_BYTES_MAX)}`,
  });
}

/** `VBSCTL_STATE_TIMEOUT`, such as `2m`, of a request to an HTTP server or a bucket; default 30 s, at least 1 s. */
export function stateTimeoutMs(env: Env): number {
  const text = env[TIMEOUT_VARIABLE]?.trim();
  if (text === undefined || text === '') return TIMEOUT_MS;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1_000 && ms <= 3_600_000) return ms;
  throw Failure.of('usage', 'state-timeout', `${TIMEOUT_VARIABLE} must be a duration from 1s to 1h`, {
    remedy: `write it like ${TIMEOUT_VARIABLE}=2m, or unset it for 30s`,
  });
}

export function tooLarge(what: string, bytesMax: number, place: string): Failure {
  return Failure.of('state', 'state-too-large', `${what} is larger than ${sizeText(bytesMax)}`, {
    detail: 'Nothing was changed. A server that sends without end, or compressed emptiness, is stopped here.',
    where: { file: place },
    remedy:
      bytesMax === LOCK_BYTES_MAX
        ? 'see what answers at that address: it is not a state server of this kind'
        : `if the state is really so large: ${VARIABLE}=${Math.ceil((2 * bytesMax) / 1024 ** 2)}MiB`,
  });
}

function sizeText(bytes: number): string {
  return bytes < 1024 ** 2 ? `${bytes / 1024} KiB` : `${bytes / 1024 ** 2} MiB`;
}
