import { optional } from '../../domain/optional.ts';
import { file, option } from '../options/option.ts';
import { type CommonFlags, cloud, state } from '../options/shared.ts';
import { type CommandDefinition, LOCKING_EXITS } from './definition.ts';

interface InitFlags extends Omit<CommonFlags, 'config'> {
  readonly config?: string | true;
}

export const init: CommandDefinition<InitFlags> = {
  name: 'init',
  summary: 'Create the state, bound to one project of the cloud',
  options: [
    option(
      '--config [file]',
      'config file of the operator; without FILE, or if there is none: only write a commented one',
      { type: file },
    ),
    state,
    cloud,
  ],
  examples: [
    ['vbsctl init', 'create a state for the project of OS_CLOUD or OS_*'],
    ['vbsctl init --config', 'write vbsctl.yaml with every setting; never overwrites a file'],
    ['vbsctl init --cloud emulator', 'create a state for the built-in cloud'],
  ],
  exits: LOCKING_EXITS,
  run: async (io, { config, ...flags }) =>
    config === true
      ? await (await import('./run-init-config.ts')).initConfig(io, flags)
      : await (await import('./run-init.ts')).init(io, { ...flags, ...optional('config', config) }),
};
