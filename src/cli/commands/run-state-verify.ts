import type { Diagnostic } from '../../domain/diagnostic.ts';
import { error } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { stoppably } from '../../domain/long-work.ts';
import { acceptedBreak, faultDiagnostic } from '../../state/state-faults.ts';
import { verify } from '../../state/verify.ts';
import { plural } from '../../views/words.ts';
import type { Io } from '../io.ts';
import { printJson, showDiagnostics } from '../print.ts';
import { type StateFlags, withFaults } from './run-state-show.ts';

/**
 * Whether the history is as it was written, whether the records say the same as it, and whether a newer state was
 * seen from here. Breaks that were accepted are named. Takes no lock.
 */
export async function verifyState(io: Io, flags: StateFlags): Promise<ExitCode> {
  const { location, faults, ...snapshot } = await withFaults(io, flags);
  const { broken, accepted, contradictions, ...counts } = await stoppably(verify(snapshot), io.stop);
  const diagnostics = faults.flatMap((fault): Diagnostic[] =>
    fault.kind === 'contradictory'
      ? fault.contradictions.map(({ address, what }) =>
          error('record-misfit', what, {
            remedy: 'look at the disk in the cloud; compare with a backup of the state',
            where: { address },
          }),
        )
      : [faultDiagnostic(fault, snapshot, location)],
  );
  const sound = diagnostics.length === 0;
  if (flags.output === 'json')
    printJson(io, {
      format: 1,
      location,
      sound,
      ...counts,
      contradictions,
      broken: broken ?? null,
      accepted,
      faults: diagnostics,
    });
  else {
    showDiagnostics(io, [...diagnostics, ...accepted.map(acceptedBreak)]);
    if (sound)
      io.stdout.write(
        `Sound: ${plural(counts.entries, 'history entry', 'history entries')}, ${accepted.length === 0 ? 'each as it was written and in its place' : 'as written or accepted'}; ${plural(counts.records, 'record')}, all as the history tells.\n`,
      );
  }
  return sound ? EXIT.done : EXIT.error;
}
