import { exitsOf } from '../../src/cli/commands/definition.ts';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { EXIT } from '../../src/domain/errors.ts';
import type { Finished } from './program.ts';

/** Throws when the program ended with an exit code that the help of its command does not list. */
export function documentedExit(args: readonly string[], finished: Finished): Finished {
  const { code, stderr } = finished;
  // Ended by a signal, or stopped at the first one, which every program can be.
  if (code === null || code === EXIT.done || code === EXIT.error || code === EXIT.interrupted)
    return finished;
  const exits = exitsOfCommand(args);
  if (!exits.includes(code))
    throw new Error(`vbsctl ${args.join(' ')} ended with ${code}, which its help does not list:\n${stderr}`);
  return finished;
}

function exitsOfCommand(args: readonly string[]): readonly number[] {
  const words = args.filter((word) => !word.startsWith('-'));
  let below = COMMANDS;
  for (const word of words) {
    const command = below.find(({ name, ...more }) => name === word || aliasesOf(more).includes(word));
    if (!command) continue;
    if (!('commands' in command)) return exitsOf(command);
    below = command.commands;
  }
  return [];
}

function aliasesOf(command: object): readonly string[] {
  return 'aliases' in command ? (command.aliases as readonly string[]) : [];
}
