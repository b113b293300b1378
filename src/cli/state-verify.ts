import type { Diagnostic } from '../domain/diagnostic.ts';
import { error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { addressesOf, type HistoryEntry } from '../domain/state.ts';
import { type ChainBreak, type Verification, verify } from '../state/verify.ts';
import { plural } from '../views/words.ts';
import type { Io } from './io.ts';
import { printJson, showDiagnostics } from './show.ts';
import { existing, type StateFlags } from './state.ts';

/** Whether the history is as it was written, and whether the records say the same as it. Takes no lock. */
export async function verifyState(io: Io, flags: StateFlags): Promise<ExitCode> {
  const { location, ...snapshot } = await existing(io, flags);
  const found = verify(snapshot);
  const diagnostics = problems(found, location);
  if (flags.output === 'json') {
    const { broken, ...rest } = found;
    printJson(io, { format: 1, location, sound: diagnostics.length === 0, ...rest, broken: broken ?? null });
  } else {
    showDiagnostics(io, diagnostics);
    if (diagnostics.length === 0)
      io.stdout.write(
        `Sound: ${plural(found.entries, 'history entry', 'history entries')}, each as it was written and in its place; ${plural(found.records, 'record')}, all as the history tells.\n`,
      );
  }
  return diagnostics.length === 0 ? EXIT.done : EXIT.error;
}

function problems({ broken, contradictions, entries }: Verification, location: string): Diagnostic[] {
  return [
    ...(broken ? [chainBroken(broken, entries, location)] : []),
    ...contradictions.map(({ address, what }) =>
      error('record-misfit', what, {
        remedy: 'look at the disk in the cloud; compare with a backup of the state',
        where: { address },
      }),
    ),
  ];
}

function chainBroken(
  { index, entry, before, hash }: ChainBreak,
  entries: number,
  location: string,
): Diagnostic {
  const last = before ? `Entry ${index} is as it was written: ${entryText(before)}.` : 'It is the first.';
  return error(
    'chain-broken',
    `the history is not as it was written, from entry ${index + 1} of ${entries} on: ${entryText(entry)}`,
    {
      detail: `${last}\nThe hash of entry ${index + 1} (${hash.slice(0, 12)}…) does not cover it: it was edited, or something was put in or taken out before it.`,
      remedy: `compare with an older copy (its backup, an artifact of the pipeline) and put back what is sound: vbsctl state push FILE --state ${shellWord(location)}`,
      where: { file: location },
    },
  );
}

function entryText(entry: HistoryEntry): string {
  const { serial, at, actor, type } = entry;
  const what =
    type === 'closed'
      ? `${addressesOf(entry).join()} ${entry.record.status}`
      : [type, ...addressesOf(entry)].join(' ');
  return `${what} (serial ${serial}, ${at}, ${actor.operation} by ${actor.who})`;
}
