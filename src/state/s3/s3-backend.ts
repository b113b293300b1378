import { Failure } from '../../domain/errors.ts';
import { STATE_BYTES_MAX } from '../answer-limits.ts';
import type { Backend, BackendContext } from '../backend.ts';
import { blobBackend } from '../blob/blob-backend.ts';
import type { BlobStore } from '../blob/blob-store.ts';
import { serverFailure } from '../server-failures.ts';
import { type HonoursIfMatch, objectLock } from './object-lock.ts';
import type { Objects } from './objects.ts';
import { objectUrl, type S3Location } from './s3-location.ts';

/** A state that is an object in a bucket of S3 or of a compatible store, with its lock beside it. */
interface S3BackendOptions extends BackendContext {
  readonly s3: S3Location;
  readonly objects: Objects;
  /** For the state; default 256 MiB. */
  readonly bytesMax?: number;
}

export function s3Backend(options: S3BackendOptions): Backend {
  const { s3, objects, newId, bytesMax = STATE_BYTES_MAX } = options;
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
  const lock = objectLock({
    ...options,
    key: `${key}.lock`,
    location: `${location}.lock`,
    ttlMs,
    // Nothing is written without the lock, so this is known before the first write.
    async testConditions() {
      const honoured = await testConditions(objects, `${key}.test-${newId()}`, location);
      checksPrevious = honoured.onPut;
      return honoured;
    },
  });
  return blobBackend({ ...options, store, lock });
}

/** The ETag of no object. */
const OTHER_ETAG = `"${'0'.repeat(32)}"`;

/**
 * Tests on an object of its own what the store really does with conditions: some stores accept the header and write all the
 * same. Throws a `Failure` if a second `If-None-Match: *` is not refused, because two runs could both take the lock. Returns
 * where `If-Match` is honoured.
 */
async function testConditions(objects: Objects, key: string, location: string): Promise<HonoursIfMatch> {
  const isRefused = async (text: string, over: string): Promise<boolean> => {
    const outcome = await objects.put(key, text, { over });
    if (outcome.kind === 'refused') throw outcome.failure;
    if (outcome.kind === 'written' || outcome.unmet) return outcome.kind !== 'written';
    throw serverFailure(`cannot test conditional writes: ${outcome.why}`, {
      location,
      remedy: 'run the command again once the store works',
    });
  };
  const first = await isRefused('1', 'nothing');
  const second = await isRefused('2', 'nothing');
  const onPut = await isRefused('3', OTHER_ETAG);
  const known = await objects.remove(key, OTHER_ETAG);
  const onDelete = (await objects.get(key)) !== undefined && known;
  await objects.remove(key);
  if (!first && second) return { onPut, onDelete };
  throw Failure.of(
    'state',
    'state-not-exclusive',
    'the state cannot be locked: the store overwrites an object although the request forbids it',
    {
      detail:
        'A second write with “If-None-Match: *” was not refused in a test beside the state. Two runs could take the lock at the same time.',
      where: { file: location },
      remedy: 'use a store with conditional writes, or another kind of state (docs/state.md)',
    },
  );
}
