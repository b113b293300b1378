import { isUtf8 } from 'node:buffer';
import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { Record } from '../domain/record.ts';
import type { Target } from '../domain/target.ts';
import { newerFormat } from './codec.ts';
import { record, target } from './record-shape.ts';
import {
  describeMisfit,
  fields,
  integerFrom,
  isObject,
  listOf,
  oneOf,
  pathText,
  time,
  word,
} from './shape.ts';

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
  readonly target: Target;
  readonly saved_at: string;
  readonly records: readonly Record[];
}

type Stored = Unsaved & { readonly format: number; readonly kind: 'unsaved-records' };

export function encodeUnsaved(unsaved: Unsaved): string {
  const stored: Stored = { format: UNSAVED_FORMAT, kind: 'unsaved-records', ...unsaved };
  return `${JSON.stringify(stored, undefined, 2)}\n`;
}

/** Undefined when the bytes are something else; `Failure` (`state`) when they are one that is damaged. */
export function decodeUnsaved(bytes: Uint8Array, file: string): Unsaved | undefined {
  const value = parsed(bytes);
  if (!isObject(value) || value.kind !== 'unsaved-records') return undefined;
  if (typeof value.format === 'number' && value.format > UNSAVED_FORMAT)
    throw newerFormat(file, value.format);
  const wrong = shape(value);
  if (wrong)
    throw new Failure(
      'state',
      error(
        'unsaved-damaged',
        `${file} is not as a run wrote it: ${pathText(wrong.path)}: ${describeMisfit(wrong)}`,
        {
          where: { file },
          remedy: 'take the JSON that the run printed, or correct it at that place; nothing was changed',
        },
      ),
    );
  const { format: _, kind: __, ...unsaved } = value as unknown as Stored;
  return unsaved;
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

function parsed(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
