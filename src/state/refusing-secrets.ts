import { type ChunkedWork, runInterruptibly } from '../domain/chunked-work.ts';
import { Failure } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import type { Secrets } from '../domain/secrets.ts';
import type { Backend } from './backend.ts';
import { guardedBackend } from './backend-decorators.ts';
import { DAMAGED, type Snapshot } from './codec.ts';

/**
 * The backend of a server, which refuses to read or lock a state that repeats a secret. Its texts go into plans, copies
 * and output; they cannot be masked, because the history would not verify any more.
 */
export function refusingSecrets(backend: Backend, secrets: Secrets): Backend {
  const quoting = <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => {
      throw cause instanceof Failure ? quotingNoSecret(cause, secrets) : cause;
    });
  const quotingBackend: Backend = {
    ...backend,
    snapshot: () => quoting(backend.snapshot()),
    lock: (...request) => quoting(backend.lock(...request)),
  };
  return guardedBackend(quotingBackend, async (snapshot) => {
    const place = await runInterruptibly(secretIn(snapshot, secrets));
    if (place !== undefined) throw repeatsSecret(place, backend.location);
  });
}

/** The message about a damaged state quotes it. */
function quotingNoSecret(failure: Failure, secrets: Secrets): Failure {
  if (!failure.diagnostics.some(({ code }) => code === DAMAGED)) return failure;
  const masked = failure.diagnostics.map(({ where: { text, ...where } = {}, ...each }) => ({
    ...each,
    summary: secrets.maskMessage(each.summary),
    where: { ...where, ...optional('text', text && secrets.maskMessage(text) === text ? text : undefined) },
  }));
  return new Failure(failure.kind, masked, { cause: failure.cause });
}

/** Where a state repeats a secret. The place is a number, because an address may be what repeats it. */
function* secretIn({ state, chain }: Snapshot, secrets: Secrets): ChunkedWork<string | undefined> {
  const { records, history, ...head } = state;
  let searched = 0;
  for (const [place, value] of places()) {
    let together = '';
    for (const text of textsIn(value)) {
      together += `${text}\n`;
      if (together.length < CHUNK_LENGTH) continue;
      if (secrets.isIn(together)) return place;
      together = '';
      yield;
    }
    if (secrets.isIn(together)) return place;
    searched += together.length;
    if (searched < CHUNK_LENGTH) continue;
    searched = 0;
    yield;
  }
  return undefined;

  function* places(): Generator<[string, unknown]> {
    yield ['its head', head];
    let number = 0;
    for (const record of records.values()) yield [`record ${++number}`, record];
    for (const [index, entry] of history.entries())
      yield [`entry ${index + 1} of its history`, [entry, chain[index]]];
  }
}

/** Every key, text and number as it is: the escapes of JSON would be one more form around a secret. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) yield String(value);
  else
    for (const [key, each] of Object.entries(value)) {
      yield key;
      yield* textsIn(each);
    }
}

/** To decode what is searched takes up to 15 times its memory. No single text of a state is longer (`domain/shape.ts`). */
const CHUNK_LENGTH = 1024 * 1024;

function repeatsSecret(place: string, location: string): Failure {
  return Failure.of(
    'refused',
    'state-repeats-secret',
    `the state repeats a credential of this run (${place})`,
    {
      detail:
        'Whoever can read the state knows it. A state without it would not verify, so nothing of this one is shown or used.',
      remedy:
        'replace the credential, in the environment and where it is checked: a state may repeat one that is out of use. If it is a word that occurs in the state by chance, choose a longer one',
      where: { file: location },
    },
  );
}
