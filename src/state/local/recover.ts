import { Failure } from '../../domain/errors.ts';
import { quoted, quotedWhole } from '../../domain/escape/quoted.ts';
import type { LongWork } from '../../domain/long-work.ts';
import { type Commit, fold, type State } from '../../domain/state.ts';
import { decodeSnapshot, newerFormat, type Snapshot } from '../codec.ts';
import { type Journal, parseJournal } from './journal.ts';

/** The two files that hold a local state, as they were read; undefined: there is no such file. */
export interface Files {
  readonly path: string;
  readonly snapshot: Uint8Array | undefined;
  readonly journalPath: string;
  readonly journal: Uint8Array | undefined;
}

/**
 * The state in the two files: the snapshot plus what the journal holds beyond it. In steps. Throws a `Failure` (`refused`)
 * when that cannot be said for sure; a torn end of the journal is no damage, it was never acknowledged.
 */
export function* recover(files: Files): LongWork<Snapshot | undefined> {
  const snapshot = files.snapshot && (yield* decodeSnapshot(files.snapshot, files.path));
  if (!files.journal) return snapshot;
  const journal = sound(yield* parseJournal(files.journal), files);
  if (!snapshot) throw withoutState(files, journal);
  const { state, journal_key } = snapshot;
  // what a replaced state left behind holds nothing, see `Store.replace`
  if (journal.header.lineage !== state.lineage && journal.commits.length === 0) return snapshot;
  if (journal.header.lineage !== state.lineage) throw ofAnotherState(files, journal, state);
  // a journal that was folded in may be back after a power failure: what the snapshot has is skipped
  const fresh = journal.commits.filter(({ serial }) => serial > state.serial);
  if (journal.header.base > state.serial) throw snapshotTooOld(files, journal, state);
  if (fresh.length > 0 && journal.header.key !== journal_key) throw ofAnotherWriter(files);
  return { ...snapshot, state: replay(state, fresh, files) };
}

type SoundJournal = Journal & { readonly kind: 'sound' };

function sound(journal: Journal, { journalPath }: Files): SoundJournal {
  switch (journal.kind) {
    case 'sound':
      return journal;
    case 'newer':
      throw newerFormat(journalPath, journal.format);
    case 'damaged':
      throw Failure.of(
        'refused',
        'journal-damaged',
        `the journal of the state is damaged at byte ${journal.offset}: ${journal.why}`,
        {
          where: { file: journalPath, line: journal.line },
          detail:
            'It is not what a crash leaves behind (that is cut off by itself), so somebody or something changed the file. Nothing was changed now.',
          remedy: `put a sound copy of ${quotedWhole(journalPath)} there. Without one: look at every restore named in it in the cloud first, then move it away; the state is then as of its last fold and does not know what came after`,
        },
      );
  }
}

function replay(state: State, commits: readonly Commit[], { path, journalPath }: Files): State {
  try {
    return fold(state, commits);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw Failure.of(
      'state',
      'journal-misfit',
      `the journal does not fit the state: ${why}`,
      {
        where: { file: journalPath },
        remedy: `${quotedWhole(path)} was changed since the journal was begun: put its own version back; nothing was changed now`,
      },
      { cause },
    );
  }
}

function withoutState({ path, journalPath }: Files, journal: SoundJournal): Failure {
  const { header, commits } = journal;
  return Failure.of(
    'refused',
    'state-missing',
    `${path} is gone, but its journal holds ${commits.length} commits made since`,
    {
      where: { file: journalPath },
      detail: `The journal belongs to lineage ${header.lineage} and begins after serial ${header.base}.`,
      remedy: `put ${quotedWhole(path)} back; only if that state is given up for good, move ${quotedWhole(journalPath)} away`,
    },
  );
}

function ofAnotherState({ path, journalPath }: Files, journal: SoundJournal, state: State): Failure {
  return Failure.of(
    'refused',
    'journal-of-another-state',
    `${journalPath} belongs to another state than ${path}`,
    {
      where: { file: journalPath },
      detail: `Lineage of the journal: ${journal.header.lineage}, of the state: ${state.lineage}.`,
      remedy: `put the state of lineage ${quoted(journal.header.lineage)} back, or move the journal to where that state is`,
    },
  );
}

function ofAnotherWriter({ path, journalPath }: Files): Failure {
  return Failure.of(
    'refused',
    'journal-not-ours',
    `${journalPath} was not written by a run that worked with ${path} as it is`,
    {
      where: { file: journalPath },
      detail: `A run names in the journal a random key that stands in ${path} only. Another key is in this one: somebody who cannot read ${path} made it, as whoever writes a pull request could, or ${path} was replaced by a copy since. Nothing was changed now.`,
      remedy: `if ${quotedWhole(path)} is a copy, put back the one that was there; else look at every restore named in ${quotedWhole(journalPath)} in the cloud, then move ${quotedWhole(journalPath)} away`,
    },
  );
}

function snapshotTooOld({ path, journalPath }: Files, journal: SoundJournal, state: State): Failure {
  return Failure.of(
    'refused',
    'state-too-old',
    `${path} is older than its journal: commits between them are missing`,
    {
      where: { file: journalPath },
      detail: `The state ends with serial ${state.serial}, the journal begins after ${journal.header.base}.`,
      remedy: `put the newer ${quotedWhole(path)} back; an older copy does not know what was restored since`,
    },
  );
}
