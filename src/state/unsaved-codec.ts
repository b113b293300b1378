import { isUtf8 } from 'node:buffer';
import type { CloudProject } from '../domain/cloud-project.ts';
import { Failure } from '../domain/errors.ts';
import { JsonFault } from '../domain/json-bounds.ts';
import type { LongWork } from '../domain/long-work.ts';
import type { RestoreRecord } from '../domain/record.ts';
import { describeMisfit, fields, integerFrom, listOf, oneOf, pathText, time, word } from '../domain/shape.ts';
import { newerFormat } from './codec.ts';
import { type Document, openDocument } from './document.ts';
import { record, target } from './record-shape.ts';

/**
 * `errored.state.json`: what a run knew and could not write into its state any more. It is no state; `state push`
 * merges it into the one it belongs to.
 */
export const UNSAVED_FORMAT = 1;

export interface Unsaved {
  /** Where that state is, as the run called it. */
  readonly state: string;
  readonly lineage: string;
  /** The last that was durable. */
  readonly serial: number;
  readonly target: CloudProject;
  readonly saved_at: string;
  readonly records: readonly RestoreRecord[];
}

type Stored = Unsaved & { readonly format: number; readonly kind: 'unsaved-records' };

export function encodeUnsaved(unsaved: Unsaved): string {
  const stored: Stored = { format: UNSAVED_FORMAT, kind: 'unsaved-records', ...unsaved };
  return `${JSON.stringify(stored, undefined, 2)}\n`;
}

/** Undefined when the bytes are something else; `Failure` (`refused`) when they are one that is damaged. In steps. */
export function* decodeUnsaved(bytes: Uint8Array, file: string): LongWork<Unsaved | undefined> {
  const document = yield* opened(bytes);
  if (document?.head.kind !== 'unsaved-records') return undefined;
  const { format } = document.head;
  if (typeof format === 'number' && format > UNSAVED_FORMAT) throw newerFormat(file, format);
  try {
    const {
      format: _,
      kind: __,
      ...unsaved
    } = yield* document.read((wrong) => {
      throw damaged(file, `${pathText(wrong.path)}: ${describeMisfit(wrong)}`);
    });
    return unsaved;
  } catch (cause) {
    if (!(cause instanceof JsonFault)) throw cause;
    throw damaged(file, `it ${cause.message}`);
  }
}

function damaged(file: string, why: string): Failure {
  return Failure.of('refused', 'unsaved-damaged', `${file} is not as a run wrote it: ${why}`, {
    where: { file },
    remedy: 'take the JSON that the run printed, or correct it at that place; nothing was changed',
  });
}

const shape = fields<Stored>({
  format: integerFrom(1),
  kind: oneOf('unsaved-records'),
  state: word,
  lineage: word,
  serial: integerFrom(0),
  target,
  saved_at: time,
  records: listOf(record),
});

function* opened(bytes: Uint8Array): LongWork<Document<Stored> | undefined> {
  if (!isUtf8(bytes)) return undefined;
  try {
    return yield* openDocument(new TextDecoder().decode(bytes), shape);
  } catch (cause) {
    if (cause instanceof JsonFault) return undefined;
    throw cause;
  }
}
