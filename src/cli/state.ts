import { error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import type { State } from '../domain/state.ts';
import { stateListJson, stateShowJson } from '../views/state-json.ts';
import { stateListText, stateShowText } from '../views/state-text.ts';
import type { CommonFlags } from './flags.ts';
import type { Io } from './io.ts';
import { backend, settings } from './setup.ts';
import { printJson, textOptions } from './show.ts';

interface StateFlags extends CommonFlags {
  readonly output: 'text' | 'json';
}

export async function list(io: Io, flags: StateFlags): Promise<ExitCode> {
  const state = await existing(io, flags);
  if (flags.output === 'json') printJson(io, stateListJson(state.records.values()));
  else io.stdout.write(stateListText(state, textOptions(io)));
  return EXIT.done;
}

export async function show(io: Io, address: string, flags: StateFlags): Promise<ExitCode> {
  const { records } = await existing(io, flags);
  const record = records.get(address);
  if (!record)
    throw new Failure(
      'usage',
      error('no-record', `the state has no record of ${address}`, {
        remedy: 'see what it has: vbsctl state list',
      }),
    );
  if (flags.output === 'json') printJson(io, stateShowJson(record));
  else io.stdout.write(stateShowText(record, textOptions(io)));
  return EXIT.done;
}

async function existing(io: Io, flags: StateFlags): Promise<State> {
  const store = await backend(io, flags, await settings(io, flags));
  const state = await store.read();
  if (state) return state;
  throw new Failure(
    'usage',
    error('no-state', `there is no state at ${store.location}`, {
      remedy: 'create one: vbsctl init, or name it: --state',
    }),
  );
}
