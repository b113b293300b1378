import { isUtf8 } from 'node:buffer';
import type { ChunkedWork } from '../domain/chunked-work.ts';
import type { CloudProject } from '../domain/cloud-project.ts';
import { Failure } from '../domain/errors.ts';
import { JsonFault } from '../domain/json-bounds.ts';
import type { RestoreRecord } from '../domain/record.ts';
import { array, integerFrom, issueText, nonEmpty, object, oneOf, time } from '../domain/shape.ts';
import { newerFormat } from './codec.ts';
import { openDocument } from './document.ts';
import { record, target } from './record-shape.ts';

/**
 * `errored.state.json`: the records that a run could not write into its state any more. It is not a state; `state push`
 * merges it into the state that it belongs to.
 */
const FORMAT = 1;

export interface Unsaved {
  /** The location of that state, as the run was given it. */
  readonly state: string;
  readonly lineage: string;
  /** The last serial that was durable. */
  readonly serial: number;
  readonly target: CloudProject;
  readonly saved_at: string;
  readonly records: readonly RestoreRecord[];
}

type Stored = Unsaved & { readonly format: number; readonly kind: 'unsaved-records' };

export function encodeUnsaved(unsaved: Unsaved): string {
  const stored: Stored = { format: FORMAT, kind: 'unsaved-records', ...unsaved };
  return `${JSON.stringify(stored, undefined, 2)}\n`;
}

/** Undefined if the bytes are something else. Throws a `Failure` (`refused`) if they are damaged. */
export function* decodeUnsaved(bytes: Uint8Array, file: string): ChunkedWork<Unsaved | undefined> {
  if (!isUtf8(bytes)) return undefined;
  let isUnsaved = false;
  try {
    const document = yield* openDocument(new TextDecoder().decode(bytes), unsavedShape);
    if (document?.head.kind !== 'unsaved-records') return undefined;
    isUnsaved = true;
    const { format: found } = document.head;
    if (typeof found === 'number' && found > FORMAT) throw newerFormat(file, found, FORMAT);
    const { format, kind, ...unsaved } = yield* document.read((wrong) => {
      throw damaged(file, issueText(wrong));
    });
    return unsaved;
  } catch (cause) {
    if (!(cause instanceof JsonFault)) throw cause;
    if (!isUnsaved) return undefined;
    throw damaged(file, `it ${cause.message}`);
  }
}

function damaged(file: string, why: string): Failure {
  return Failure.of('refused', 'unsaved-damaged', `this file is not as a run wrote it: ${why}`, {
    where: { file },
    remedy: 'take the JSON that the run printed, or correct it at that position; nothing was changed',
  });
}

const unsavedShape = object<Stored>({
  format: integerFrom(1),
  kind: oneOf('unsaved-records'),
  state: nonEmpty,
  lineage: nonEmpty,
  serial: integerFrom(0),
  target,
  saved_at: time,
  records: array(record),
});
