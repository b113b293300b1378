import { constants, isUtf8 } from 'node:buffer';
import type { ChunkedWork } from '../domain/chunked-work.ts';
import type { SourcePosition } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import { JsonFault } from '../domain/json-bounds.ts';
import { optional } from '../domain/optional.ts';
import type { RestoreRecord } from '../domain/record.ts';
import {
  array,
  type Issue,
  integerFrom,
  issueText,
  nonEmpty,
  object,
  optionalField,
  time,
} from '../domain/shape.ts';
import { SERIAL_MAX, type State } from '../domain/state.ts';
import { isTextTooLong } from '../domain/text-limit.ts';
import { tooLarge } from './answer-limits.ts';
import { openDocument } from './document.ts';
import type { Chain } from './history-chain.ts';
import { positionAt } from './json-position.ts';
import { movedTo, record, type StoredEntry, storedEntry, target } from './record-shape.ts';

/**
 * The format of a state file: JSON with one record or history entry on each line, so that two states can be compared by
 * line. `format` and `serial` are at the top, where other programs (HTTP state servers) look for them.
 */
export const FORMAT = 1;

/** A state together with the hashes of its history, as stored. */
export interface Snapshot {
  readonly state: State;
  /** The hashes of the first entries of the history; `extendChain` adds those of new entries. */
  readonly chain: Chain;
  /** Only in a local state file: the key that its journal has to name. It is never copied out of the file. */
  readonly journal_key?: string;
}

/** The content of the file. */
interface StoredState extends Omit<State, 'records' | 'history'> {
  readonly format: number;
  readonly journal_key?: string;
  readonly records: readonly RestoreRecord[];
  readonly history: readonly StoredEntry[];
}

/**
 * The text of a state. Records are sorted by address, so that two states can be compared. Every history entry must have
 * its hash. `journal_key` is a parameter of its own, so that it gets only into the local file and not into copies. Throws a
 * Failure (`state`) if the text could not be read again.
 */
export function encodeSnapshot(
  snapshot: Snapshot,
  journal_key?: string,
  bytesMax = constants.MAX_STRING_LENGTH,
): string {
  try {
    const text = textOf(snapshot, journal_key);
    if (Buffer.byteLength(text) <= bytesMax) return text;
  } catch (cause) {
    if (!isTextTooLong(cause)) throw cause;
  }
  throw tooLarge('the state', bytesMax);
}

function textOf({ state, chain }: Snapshot, journal_key: string | undefined): string {
  if (chain.length !== state.history.length) throw new Error('a history entry has no hash yet');
  const { lineage, serial, created_at, target, moved_to } = state;
  const head = JSON.stringify(
    { format: FORMAT, lineage, serial, created_at, target, moved_to, journal_key },
    undefined,
    2,
  );
  const records = [...state.records.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
  const history = state.history.map((entry, index) => ({ ...entry, hash: chain[index] }));
  return `${head.slice(0, -2)},\n  "records": ${lines(records)},\n  "history": ${lines(history)}\n}\n`;
}

function lines(values: readonly unknown[]): string {
  if (values.length === 0) return '[]';
  return `[\n    ${values.map((value) => JSON.stringify(value)).join(',\n    ')}\n  ]`;
}

/**
 * Reads a state. Throws a `Failure` (`refused`) with position and remedy if it is damaged or was written by a newer vbsctl.
 * `file` is used only in messages; `what` is their subject.
 */
export function* decodeSnapshot(
  bytes: Uint8Array,
  file: string,
  what: 'the state' | 'the file' = 'the state',
): ChunkedWork<Snapshot> {
  if (bytes.length > constants.MAX_STRING_LENGTH)
    throw damaged(
      file,
      `${what} is too large: ${bytes.length} bytes, at most ${constants.MAX_STRING_LENGTH}`,
    );
  if (!isUtf8(bytes))
    throw damaged(file, `${what} is not UTF-8 text`, 'It is truncated, compressed, or not a state at all.');
  const text = new TextDecoder().decode(bytes); // removes a byte order mark, which some editors add
  if (/^\s*$/.test(text)) throw damaged(file, 'the state file is empty', undefined, { file });
  try {
    return yield* decodeText(text, file, what);
  } catch (cause) {
    if (!(cause instanceof JsonFault)) throw cause;
    const { text: line, ...position } = positionAt(text, cause.at);
    const place = { file, ...position, ...(looksLikeState(text) ? optional('text', line) : {}) };
    throw damaged(file, `${what} ${cause.message}`, undefined, place, cause);
  }
}

function* decodeText(text: string, file: string, what: string): ChunkedWork<Snapshot> {
  const document = yield* openDocument(text, storedShape);
  assertFormat(document?.head.format, file);
  if (!document) throw notVbsctl(file, 'it is not a JSON object');
  const refuse = (wrong: Issue): never => {
    if (!looksLikeState(text)) throw notVbsctl(file, 'it has no lineage');
    const summary = `${what} is not valid: ${issueText(wrong)}`;
    throw damaged(file, summary, undefined, { file, ...document.positionOf(wrong.path) });
  };
  const stored = yield* document.read(refuse);
  const contradicted = contradiction(stored);
  if (contradicted) refuse(contradicted);
  const { format: _, journal_key, records, history, ...head } = stored;
  return {
    state: {
      ...head,
      records: new Map(records.map((record) => [record.address, record])),
      history: history.map(({ hash, ...entry }) => entry),
    },
    chain: history.map(({ hash }) => hash),
    ...optional('journal_key', journal_key),
  };
}

const storedShape = object<StoredState>({
  format: integerFrom(1),
  lineage: nonEmpty,
  serial: integerFrom(0, SERIAL_MAX),
  created_at: time,
  target,
  moved_to: optionalField(movedTo),
  journal_key: optionalField(nonEmpty),
  records: array(record),
  history: array(storedEntry),
});

/** What the shapes cannot express. Whether the history is consistent is checked by `verify`. */
function contradiction({ records }: StoredState): Issue | undefined {
  const seen = new Set<string>();
  for (const [index, { address }] of records.entries()) {
    if (seen.has(address))
      return { path: ['records', index, 'address'], expected: 'each address once', found: address };
    seen.add(address);
  }
  return undefined;
}

/** No format is older than 1. A format 2 will add a conversion of format 1 here. */
function assertFormat(format: unknown, file: string): void {
  if (typeof format !== 'number' || !Number.isInteger(format) || format < 1)
    throw notVbsctl(file, 'it has no valid "format"');
  if (format > FORMAT) throw newerFormat(file, format, FORMAT);
}

/** Whether the text begins like one of `encodeSnapshot`. Other text is not quoted: it may be a file with secrets. */
function looksLikeState(text: string): boolean {
  const head = text.slice(0, 4_096);
  return head.includes('"format"') && head.includes('"lineage"');
}

function notVbsctl(file: string, why: string): Failure {
  return Failure.of('refused', 'state-not-vbsctl', `this is not a state of vbsctl: ${why}`, {
    where: { file },
    remedy: 'correct --state; or move this file away and create a state: vbsctl init',
  });
}

export function newerFormat(file: string, format: number, supported: number): Failure {
  const summary = `this file was written by a newer vbsctl (format ${format}; this vbsctl supports ${supported})`;
  return Failure.of('refused', 'state-newer', summary, {
    where: { file },
    remedy: 'update vbsctl on this machine; nothing was changed',
  });
}

/** The code of the failure of a state that cannot be read. */
export const DAMAGED = 'state-damaged';

function damaged(
  file: string,
  summary: string,
  detail?: string,
  where: SourcePosition = { file },
  cause?: unknown,
): Failure {
  const remedy = `correct ${quotedWhole(file)}, or put a valid copy of it back; nothing was changed. Do not start with an empty state: declared restores would run again`;
  const more = { ...optional('detail', detail), where, remedy };
  return Failure.of('refused', DAMAGED, summary, more, { cause });
}
