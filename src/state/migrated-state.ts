import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { isUrl } from '../domain/shown-location.ts';
import type { MigratedTo, State } from '../domain/state.ts';
import type { Backend } from './backend.ts';
import { mapLease } from './backend-decorators.ts';

/** The backend, which refuses to read or lock a state that was migrated to another location. */
export function unmigratedBackend(backend: Backend): Backend {
  const refuseMigrated = (state: State | undefined): void => {
    if (state?.moved_to) throw new Failure('refused', stateMigrated(state.moved_to, backend.location));
  };
  return {
    ...mapLease(backend, (lease) => {
      refuseMigrated(lease.state());
      return lease;
    }),
    async read() {
      const state = await backend.read();
      refuseMigrated(state);
      return state;
    },
    async snapshot() {
      const snapshot = await backend.snapshot();
      refuseMigrated(snapshot?.state);
      return snapshot;
    },
  };
}

export function stateMigrated(to: MigratedTo, location: string): Diagnostic {
  return error(
    'state-migrated',
    `the state at ${location} was migrated to ${to.location} at ${to.at} by ${to.by}`,
    {
      detail: `This copy has serial ${to.serial} and lacks what was done since then.`,
      remedy: `${addressWarning(to.location)}use the new location: --state ${locationWord(to.location)}, or change state in the config; to migrate it back: ${migrateBackCommand(to, location)}`,
    },
  );
}

/** The command that brings a migrated state back to `location`, with what was done since. */
export function migrateBackCommand(to: MigratedTo, location: string): string {
  return `vbsctl state migrate --state ${locationWord(to.location)} --to ${shellWord(location)}`;
}

/**
 * A location that was read from a file, as a word of a command. A URL is left for the user to write, because vbsctl would
 * send credentials to the server that the author of the file chose.
 */
export function locationWord(location: string): string {
  return isUrl(location) ? 'LOCATION' : shellWord(location);
}

/** What the user has to do before running a command with `locationWord(location)`; empty for a path. */
export function addressWarning(location: string): string {
  return isUrl(location)
    ? 'check that this address is yours, because credentials are sent there, and write it for LOCATION: '
    : '';
}
