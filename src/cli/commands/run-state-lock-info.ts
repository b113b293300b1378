import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { lockInfoText } from '../../views/lock-text.ts';
import type { Io } from '../io.ts';
import { printJson, textOptions } from '../print.ts';
import { loadSettings, openState } from '../setup.ts';
import type { StateFlags } from './run-state-show.ts';

/** Who holds the lock, if anybody. */
export async function lockInfo(io: Io, flags: StateFlags): Promise<ExitCode> {
  const store = await openState(io, flags, await loadSettings(io, flags), 'read');
  const lock = await store.holder();
  if (flags.output === 'json') printJson(io, { format: 1, location: store.location, lock: lock ?? null });
  else io.stdout.write(lockInfoText(store.location, lock, textOptions(io)));
  return EXIT.done;
}
