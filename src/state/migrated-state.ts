import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { isUrl } from '../domain/shown-location.ts';
import type { MigratedTo } from '../domain/state.ts';
import type { Backend } from './backend.ts';
import { guardedBackend } from './backend-decorators.ts';

/** The backend, which refuses to read or lock a state that was migrated to another location. */
export function unmigratedBackend(backend: Backend): Backend {
  return guardedBackend(backend, ({ state: { moved_to } }) => {
    if (moved_to) throw new Failure('refused', stateMigrated(moved_to, backend.location));
  });
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
