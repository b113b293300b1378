import { apply } from './apply.ts';
import { auth } from './auth.ts';
import { completion } from './completion.ts';
import type { CommandDefinition, CommandGroup } from './definition.ts';
import { emulator } from './emulator.ts';
import { generate } from './generate.ts';
import { get } from './get.ts';
import { help } from './help.ts';
import { importCommand } from './import.ts';
import { init } from './init.ts';
import { plan } from './plan.ts';
import { resolve } from './resolve.ts';
import { show } from './show.ts';
import { stateGroup } from './state.ts';
import { status } from './status.ts';
import { unlock } from './unlock.ts';
import { validate } from './validate.ts';
import { version } from './version.ts';
import { wait } from './wait.ts';

/** Every command, in the order of `vbsctl --help`. */
export const COMMANDS: readonly (CommandDefinition | CommandGroup)[] = [
  validate,
  init,
  get,
  generate,
  plan,
  apply,
  show,
  importCommand,
  status,
  wait,
  resolve,
  unlock,
  stateGroup,
  auth,
  emulator,
  version,
  completion,
  help,
];
