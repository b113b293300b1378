import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { unlockedText } from '../../views/lock-text.ts';
import type { Io } from '../io.ts';
import type { CommonFlags } from '../options/shared.ts';
import { textOptions } from '../print.ts';
import { loadSettings, openState } from '../setup.ts';

/** Removes a lock that its holder cannot free any more. */
export async function unlock(io: Io, id: string, flags: CommonFlags): Promise<ExitCode> {
  const store = await openState(io, flags, await loadSettings(io, flags), 'read');
  const freed = await store.unlock(id);
  io.stdout.write(unlockedText(store.location, freed, textOptions(io)));
  return EXIT.done;
}
