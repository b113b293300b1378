import { createHash } from 'node:crypto';
import type { ChunkedWork } from '../../domain/chunked-work.ts';
import { array, integerFrom, isObject, issueText, nonEmpty, object } from '../../domain/shape.ts';
import type { Commit } from '../../domain/state.ts';
import { boundedJson } from '../document.ts';
import { commit as commitShape } from '../record-shape.ts';

/**
 * The journal: the commits since the snapshot beside it was written. JSON lines; the first names the state that it belongs
 * to, each further one is a *group*, the commits of one write:
 *
 *     {"sum":"…","journal":{"format":1,"lineage":"…","base":41,"key":"…"}}
 *     {"sum":"…","commits":[{"serial":42,…},{"serial":43,…}]}
 *
 * A line is written only after the one before it is durable. So whatever a crash leaves of a write, in whatever order its
 * pages reached the disk, is the last line and was never acknowledged. `sum` is a SHA-256 over the sum of the line before
 * and the bytes of this one: lines cannot be exchanged, dropped or copied from another journal. `key` is a random word in
 * the snapshot, a new one after each run: somebody who can create files beside a state but not read it cannot make a
 * journal that is accepted.
 */
export const JOURNAL_FORMAT = 1;

export interface JournalHeader {
  readonly format: number;
  /** The lineage of the state. */
  readonly lineage: string;
  /** The serial of the snapshot when the journal was created; the first commit has the next one. */
  readonly base: number;
  /** `journal_key` of that snapshot. */
  readonly key: string;
}

/** A line to append, and the sum that the next line continues. */
interface JournalLine {
  readonly text: string;
  readonly sum: string;
}

export function headerLine(of: Omit<JournalHeader, 'format'>): JournalLine {
  const { lineage, base, key } = of;
  return line('', 'journal', { format: JOURNAL_FORMAT, lineage, base, key } satisfies JournalHeader);
}

export function groupLine(previous: string, commits: readonly Commit[]): JournalLine {
  return line(previous, 'commits', commits);
}

function line(previous: string, kind: Kind, content: unknown): JournalLine {
  const body = JSON.stringify(content);
  const sum = sumOf(previous, Buffer.from(body));
  return { text: `${OPEN}${sum}${MIDDLE[kind]}${body}}\n`, sum };
}

export type Journal =
  | {
      readonly kind: 'valid';
      readonly header: JournalHeader;
      /** Without those of an incomplete last line, which a crash left of a write that was never acknowledged. */
      readonly commits: readonly Commit[];
    }
  | { readonly kind: 'newer'; readonly format: number }
  /** A crash cannot leave this. `offset` in bytes, `line` counts from 1. */
  | { readonly kind: 'damaged'; readonly offset: number; readonly line: number; readonly why: string };

/** Never throws. */
export function* parseJournal(bytes: Uint8Array): ChunkedWork<Journal> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: JournalHeader | undefined;
  let previous = '';
  const commits: Commit[] = [];
  let offset = 0;
  let chunkEnd = CHUNK_BYTES;
  for (let number = 1; offset < buffer.length; number++) {
    const end = buffer.indexOf(NEWLINE, offset);
    const last = end < 0 || end === buffer.length - 1;
    const content = buffer.subarray(offset, end < 0 ? buffer.length : end);
    const damaged = (why: string): Journal => ({ kind: 'damaged', offset, line: number, why });

    if (!header) {
      // the first line is created with the file, so a crash leaves none of it or all
      if (end < 0) return damaged('its first line is cut');
      const first = readLine('', 'journal', content);
      const format = formatOf(content);
      if (format !== undefined && format > JOURNAL_FORMAT) return { kind: 'newer', format };
      if (typeof first === 'string') return damaged(first);
      const wrong = headerShape(first.content);
      if (wrong) return damaged(issueText(wrong));
      header = first.content as JournalHeader;
      previous = first.sum;
    } else {
      // Rule: partial-line-is-cut-off
      // What a crash leaves of a line is never valid JSON. An editor may leave a valid one, and that is damage.
      if (end < 0 || (last && parsed(content) === undefined)) break;
      const group = readLine(previous, 'commits', content);
      if (typeof group === 'string') return damaged(group);
      const wrong = groupShape(group.content);
      if (wrong) return damaged(issueText(wrong));
      for (const commit of group.content as readonly Commit[]) {
        const expected = header.base + commits.length + 1;
        if (commit.serial !== expected)
          return damaged(`commit ${commit.serial} stands where ${expected} belongs`);
        commits.push(commit);
      }
      previous = group.sum;
    }
    offset = end + 1;
    if (offset < chunkEnd) continue;
    chunkEnd = offset + CHUNK_BYTES;
    yield;
  }
  if (!header) return { kind: 'damaged', offset: 0, line: 1, why: 'it is empty' };
  return { kind: 'valid', header, commits };
}

const headerShape = object<JournalHeader>({
  format: integerFrom(1),
  lineage: nonEmpty,
  base: integerFrom(0),
  key: nonEmpty,
});
const groupShape = array(commitShape);

type Kind = 'journal' | 'commits';
const NEWLINE = 0x0a;
/** Bytes between two yields. */
const CHUNK_BYTES = 1024 * 1024;
const OPEN = '{"sum":"';
const SUM_LENGTH = 64;
const MIDDLE: { readonly [K in Kind]: string } = { journal: '","journal":', commits: '","commits":' };

/** The content of a line whose sum is correct; else the reason why it is not valid. */
function readLine(previous: string, kind: Kind, bytes: Buffer): { content: unknown; sum: string } | string {
  const start = OPEN.length + SUM_LENGTH + MIDDLE[kind].length;
  const frame = bytes.toString('latin1', 0, start);
  const sum = frame.slice(OPEN.length, OPEN.length + SUM_LENGTH);
  if (frame !== `${OPEN}${sum}${MIDDLE[kind]}` || bytes.at(-1) !== 0x7d)
    return `it is no "${kind}" line of a journal`;
  const body = bytes.subarray(start, -1);
  if (sumOf(previous, body) !== sum)
    return 'its checksum is wrong: it was edited, or a line before it is missing';
  const content = parsed(body);
  return content === undefined ? 'it is not JSON' : { content, sum };
}

function sumOf(previous: string, body: Uint8Array): string {
  return createHash('sha256').update(previous).update(body).digest('hex');
}

/** The format of a header, of which a newer version may have changed everything else. */
function formatOf(bytes: Buffer): number | undefined {
  const value = parsed(bytes);
  const journal = isObject(value) ? value.journal : undefined;
  const format = isObject(journal) ? journal.format : undefined;
  return typeof format === 'number' ? format : undefined;
}

/** Undefined if it is not JSON. */
function parsed(bytes: Buffer): unknown {
  try {
    return boundedJson(bytes.toString());
  } catch {
    return undefined;
  }
}
