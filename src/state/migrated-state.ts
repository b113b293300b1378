import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import type { MovedTo, State } from '../domain/state.ts';
import type { Backend } from './backend.ts';
import { whenLocked } from './when-locked.ts';

/** The backend, of which a state that was moved elsewhere is neither read nor locked: it is out of date. */
export function refusingMigrated(backend: Backend): Backend {
  return {
    ...whenLocked(backend, (lease) => mustBeHere(lease.state(), backend.location)),
    async read() {
      return mustBeHere(await backend.read(), backend.location);
    },
    async snapshot() {
      const snapshot = await backend.snapshot();
      mustBeHere(snapshot?.state, backend.location);
      return snapshot;
    },
  };
}

function mustBeHere<S extends State | undefined>(state: S, location: string): S {
  if (state?.moved_to) throw new Failure('refused', stateMoved(state.moved_to, location));
  return state;
}

export function stateMoved(moved: MovedTo, location: string): Diagnostic {
  return error(
    'state-moved',
    `the state at ${location} was moved to ${moved.location} at ${moved.at} by ${moved.by}`,
    {
      detail: `This copy has serial ${moved.serial} and lacks what was done since then.`,
      remedy: `${onlyIfYours(moved.location)}use the new location: --state ${wordOfFile(moved.location)}, or change state in the config; to move it back: ${wayBackFrom(moved, location)}`,
    },
  );
}

/** As `wayBack`, for what stands in a file. */
export function wayBackFrom(moved: MovedTo, to: string): string {
  return `vbsctl state migrate --state ${wordOfFile(moved.location)} --to ${shellWord(to)}`;
}

/**
 * A location that a file names, in a command to paste. A URL is left for a person to write: credentials would go where
 * whoever wrote the file says.
 */
export function wordOfFile(location: string): string {
  return isUrl(location) ? 'LOCATION' : shellWord(location);
}

/** What has to be sure before `wordOfFile` is written out; empty for a path. */
export function onlyIfYours(location: string): string {
  return isUrl(location)
    ? 'see first that this address is yours, for credentials are sent there; then write it for LOCATION: '
    : '';
}

function isUrl(location: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(location);
}

/** The command that brings a moved state back, with what was done since. */
export function wayBack(from: string, to: string): string {
  return `vbsctl state migrate --state ${shellWord(from)} --to ${shellWord(to)}`;
}
