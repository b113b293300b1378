import type { ChunkedWork } from '../../domain/chunked-work.ts';
import { Failure } from '../../domain/errors.ts';
import { quoted, quotedWhole } from '../../domain/escape/quoted.ts';
import { type Commit, fold, type State } from '../../domain/state.ts';
import { decodeSnapshot, newerFormat, type Snapshot } from '../codec.ts';
import { JOURNAL_FORMAT, type Journal, parseJournal } from './journal.ts';

/** The two files of a local state, as they were read; undefined: the file does not exist. */
interface StateFiles {
  readonly path: string;
  readonly snapshot: Uint8Array | undefined;
  readonly journalPath: string;
  readonly journal: Uint8Array | undefined;
}

/**
 * The state in the two files: the snapshot plus the later commits of the journal. Throws a `Failure` (`refused`) if the files
 * do not belong together or are damaged. An incomplete last line of the journal is no damage: it was never acknowledged.
 */
export function* recover(files: StateFiles): ChunkedWork<Snapshot | undefined> {
  const snapshot = files.snapshot && (yield* decodeSnapshot(files.snapshot, files.path));
  if (!files.journal) return snapshot;
  const journal = validJournal(yield* parseJournal(files.journal), files);
  if (!snapshot) throw withoutState(files, journal);
  const { state, journal_key } = snapshot;
  // `LocalFiles.replace` leaves an empty journal of the former state
  if (journal.header.lineage !== state.lineage && journal.commits.length === 0) return snapshot;
  if (journal.header.lineage !== state.lineage) throw ofAnotherState(files, journal, state);
  // a journal that was folded may be back after a power failure: commits that the snapshot has are skipped
  const fresh = journal.commits.filter(({ serial }) => serial > state.serial);
  if (journal.header.base > state.serial) throw snapshotTooOld(files, journal, state);
  if (fresh.length > 0 && journal.header.key !== journal_key) throw ofAnotherWriter(files);
  return { ...snapshot, state: replay(state, fresh, files) };
}

type ValidJournal = Journal & { readonly kind: 'valid' };

function validJournal(journal: Journal, { journalPath }: StateFiles): ValidJournal {
  switch (journal.kind) {
    case 'valid':
      return journal;
    case 'newer':
      throw newerFormat(journalPath, journal.format, JOURNAL_FORMAT);
    case 'damaged':
      throw Failure.of(
        'refused',
        'journal-damaged',
        `the journal of the state is damaged at byte ${journal.offset}: ${journal.why}`,
        {
          where: { file: journalPath, line: journal.line },
          detail:
            'A crash does not leave this (vbsctl ignores an incomplete last line), so somebody or something changed the file. Nothing was changed now.',
          remedy: `put a valid copy of ${quotedWhole(journalPath)} there. Without one: check every restore that it names in the cloud, then move it away; the state then lacks the commits of the journal`,
        },
      );
  }
}

function replay(state: State, commits: readonly Commit[], { path, journalPath }: StateFiles): State {
  try {
    return fold(state, commits);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw Failure.of(
      'state',
      'journal-misfit',
      `the commits of the journal cannot be applied to the state: ${why}`,
      {
        where: { file: journalPath },
        remedy: `${quotedWhole(path)} was changed after the journal was created: put the unchanged file back; nothing was changed now`,
      },
      { cause },
    );
  }
}

function refusedJournal(
  { journalPath }: StateFiles,
  code: string,
  summary: string,
  detail: string,
  remedy: string,
): Failure {
  return Failure.of('refused', code, summary, { where: { file: journalPath }, detail, remedy });
}

function withoutState(files: StateFiles, { header, commits }: ValidJournal): Failure {
  const { path, journalPath } = files;
  return refusedJournal(
    files,
    'state-missing',
    `${path} does not exist, but its journal has ${commits.length} commits`,
    `The journal belongs to lineage ${header.lineage} and begins after serial ${header.base}.`,
    `put ${quotedWhole(path)} back; only if you give up that state, move ${quotedWhole(journalPath)} away`,
  );
}

function ofAnotherState(files: StateFiles, { header }: ValidJournal, state: State): Failure {
  return refusedJournal(
    files,
    'journal-of-another-state',
    `this journal belongs to another state than ${files.path}`,
    `Lineage of the journal: ${header.lineage}, of the state: ${state.lineage}.`,
    `put the state of lineage ${quoted(header.lineage)} back, or move the journal beside that state`,
  );
}

function ofAnotherWriter(files: StateFiles): Failure {
  const { path, journalPath } = files;
  return refusedJournal(
    files,
    'journal-not-ours',
    `this journal was not written by a run that used ${path} as it is`,
    `A run writes a random key into the journal that only ${path} contains. This journal has another key: either somebody made it who cannot read ${path}, such as the author of a pull request, or ${path} was replaced by a copy. Nothing was changed now.`,
    `if ${quotedWhole(path)} is a copy, put the original back; else check every restore named in ${quotedWhole(journalPath)} in the cloud, then move ${quotedWhole(journalPath)} away`,
  );
}

function snapshotTooOld(files: StateFiles, { header }: ValidJournal, state: State): Failure {
  return refusedJournal(
    files,
    'state-too-old',
    `${files.path} is older than its journal: commits between them are missing`,
    `The state ends with serial ${state.serial}, the journal begins after ${header.base}.`,
    `put the newer ${quotedWhole(files.path)} back; an older copy lacks what was restored since`,
  );
}
