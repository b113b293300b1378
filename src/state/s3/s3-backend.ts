import { Failure } from '../../domain/errors.ts';
import { RetryableError } from '../../network/retry.ts';
import { STATE_BYTES_MAX } from '../answer-limits.ts';
import type { Backend, BackendContext } from '../backend.ts';
import { blobBackend } from '../blob/blob-backend.ts';
import type { BlobStore } from '../blob/blob-store.ts';
import { ONE_MINUTE, withRetry } from '../remote-retry.ts';
import { serverFailure } from '../server-failures.ts';
import { type HonoursIfMatch, ObjectLock } from './object-lock.ts';
import { mayLackConditions, type Objects } from './objects.ts';
import { objectUrl, type S3Location } from './s3-location.ts';

/** A state that is an object in a bucket of S3 or of a compatible store, with its lock beside it. */
interface S3BackendOptions extends BackendContext {
  readonly s3: S3Location;
  readonly objects: Objects;
  /** For the state; default 256 MiB. */
  readonly bytesMax?: number;
}

export function s3Backend(options: S3BackendOptions): Backend {
  const { s3, objects, clock, newId, bytesMax = STATE_BYTES_MAX } = options;
  const { key, ttl_ms: ttlMs } = s3;
  const location = objectUrl(s3);
  let checksPrevious = false;
  const store: BlobStore = {
    location,
    bytesMax,
    keepsHighestSerial: false,
    get checksPrevious() {
      return checksPrevious;
    },
    async read() {
      const found = await objects.get(key, bytesMax);
      return found && { bytes: found.bytes, tag: found.etag };
    },
    write(bytes, previous) {
      // Rule: state-is-replaced-only-if-unchanged
      const known = checksPrevious ? (previous?.tag ?? 'anything') : 'anything';
      return objects.put(key, bytes, { over: previous === undefined ? 'nothing' : known });
    },
  };
  const lock = new ObjectLock({
    ...options,
    key: `${key}.lock`,
    location: `${location}.lock`,
    ttlMs,
    // The lock is requested before the first write, so `checksPrevious` is known by then.
    async testConditions(signal) {
      const test = () => testConditions(objects, `${key}.test-${newId()}`, location);
      const honoured = await withRetry(clock, ONE_MINUTE, test, signal);
      checksPrevious = honoured.onPut;
      return honoured;
    },
  });
  return { ...blobBackend({ ...options, store, lock }), leaseTtlMs: ttlMs };
}

/** The ETag of no object. */
const OTHER_ETAG = `"${'0'.repeat(32)}"`;

/**
 * Tests on an object of its own what the store really does with conditions: some stores accept the header and write all the
 * same, some refuse the request. Throws a `Failure` if a second `If-None-Match: *` is not refused, because two runs could both
 * take the lock, and a `RetryableError` if an answer was lost: a copy of that request may still arrive, so the next test needs
 * another object. Returns where `If-Match` is honoured.
 */
async function testConditions(objects: Objects, key: string, location: string): Promise<HonoursIfMatch> {
  const put = async (text: string, over: string) => {
    const outcome = await objects.put(key, text, { over });
    if (outcome.kind !== 'unsure' || outcome.unmet) return outcome;
    const cause = serverFailure(`cannot test conditional writes: ${outcome.why}`, {
      location,
      remedy: outcome.remedy ?? 'run the command again once the store works',
    });
    throw outcome.endless ? cause : new RetryableError('test conditional writes', { cause });
  };
  try {
    const create = await put('1', 'nothing');
    if (create.kind === 'refused')
      throw create.status === 501 ? notExclusive(location, NOT_IMPLEMENTED) : create.failure;
    const createAgain = await put('2', 'nothing');
    if (createAgain.kind === 'refused') throw createAgain.failure;
    if (create.kind !== 'written' || createAgain.kind === 'written')
      throw notExclusive(location, OVERWRITTEN);
    const replaceOther = await put('3', OTHER_ETAG);
    if (replaceOther.kind === 'refused' && !mayLackConditions(replaceOther.status))
      throw replaceOther.failure;
    const known = await objects.remove(key, OTHER_ETAG);
    const onDelete = (await objects.get(key)) !== undefined && known;
    await objects.remove(key);
    return { onPut: replaceOther.kind === 'unsure', onDelete };
  } catch (cause) {
    const isRemoved = await objects.remove(key).then(
      () => true,
      () => false,
    );
    // Where even the removal got no answer, and was repeated for a minute, another test would not either.
    throw cause instanceof RetryableError && !isRemoved ? cause.cause : cause;
  }
}

const OVERWRITTEN =
  'A second write with “If-None-Match: *” was not refused in a test with a test object beside the state. Two runs could take the lock at the same time.';
const NOT_IMPLEMENTED =
  'It answered 501 to a write with “If-None-Match: *”. Without it, two runs could take the lock at the same time.';

function notExclusive(location: string, detail: string): Failure {
  return Failure.of(
    'state',
    'state-not-exclusive',
    'the state cannot be locked: the store does not support conditional writes',
    {
      detail,
      where: { file: location },
      remedy: 'use a store with conditional writes, or another kind of state (docs/state.md)',
    },
  );
}
