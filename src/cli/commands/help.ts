import { argument } from '../options/option.ts';
import type { CommandDefinition } from './definition.ts';

export const help: CommandDefinition<object, [topic: readonly string[]]> = {
  name: 'help',
  summary: 'Show help on a command, or on exit-codes, manifest, config, recovery, faults',
  arguments: [argument('[topic...]', 'a command or a topic', 'topics')],
  examples: [
    ['vbsctl help apply', 'the same as vbsctl apply --help'],
    ['vbsctl help recovery', 'what to do after a crash, a timeout, an unknown outcome'],
    ['vbsctl help faults', 'the faults that the emulator can inject, with an example'],
  ],
  exits: [],
  run: async (io, _, topic) => (await import('./run-help.ts')).help(io, topic),
};
