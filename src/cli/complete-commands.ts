import type { Option } from 'commander';
import { shellPath, shellWord } from '../domain/escape/shell-word.ts';
import { shownLocation } from '../domain/shown-location.ts';
import type { CommandDefinition, CommandGroup } from './commands/definition.ts';
import { cloud, config, filename, type ManifestFlags, state } from './options/shared.ts';

interface Typed {
  readonly flags: ManifestFlags;
  /** The file of the saved plan that is applied. */
  readonly plan?: string;
  readonly commands: readonly (CommandDefinition | CommandGroup)[];
}

/**
 * Gives the commands in a remedy the options of the present one that they know, so that they can be pasted: without them,
 * they would use another manifest, state or cloud. `vbsctl apply` repeats the saved plan, where one is applied. The options come right after the name of the command.
 */
export function completeCommands(text: string, { flags, plan, commands }: Typed): string {
  return text.replace(COMMAND, (quotation, command: string | undefined, offset: number) => {
    if (command === undefined) return quotation;
    const found = definitionOf(command.slice('vbsctl '.length), commands);
    if (found === undefined) return command;
    const name = `vbsctl ${found.name}`;
    // The command ends where the sentence goes on.
    const rest = text.slice(offset + name.length).split(/[;,(]| vbsctl /, 1)[0] ?? '';
    const repeatsPlan = plan !== undefined && found.name === 'apply' && !/^ [^-( ]| --target /.test(rest);
    const given = repeatsPlan
      ? [shellPath(plan), ...optionsOf(found.definition, { ...flags, filename: [] }, rest)]
      : optionsOf(found.definition, flags, rest);
    return [name, ...given].join(' ') + command.slice(name.length);
  });
}

/** A quotation, in which no command is ours, or a command with its one or two words. */
const COMMAND =
  /\u201c[^\u201d]*\u201d|"(?:[^"\\]|\\.)*"|'[^']*'|(?<![^ (])(vbsctl [a-z]+(?: [a-z][a-z-]*)?)/g;

function definitionOf(
  words: string,
  commands: readonly (CommandDefinition | CommandGroup)[],
): { readonly definition: CommandDefinition; readonly name: string } | undefined {
  const [first = '', second] = words.split(' ');
  const found = commands.find(({ name }) => name === first);
  if (!found) return undefined;
  if (!('commands' in found)) return { definition: found, name: first };
  const below = found.commands.find(({ name }) => name === second);
  return below && { definition: below, name: `${first} ${second}` };
}

function optionsOf({ name, options = [] }: CommandDefinition, flags: ManifestFlags, rest: string): string[] {
  // `vbsctl apply plan.json` takes no manifests.
  const isSavedPlan = name === 'apply' && /^ [^-( ]/.test(rest);
  const takes = (option: Option) =>
    options.some(({ long }) => long === option.long) && !rest.includes(` ${option.long}`);
  return [
    ...(takes(filename) && !isSavedPlan && !rest.includes(' -f ')
      ? (flags.filename ?? []).map((path) => `-f ${shellWord(path)}`)
      : []),
    ...(takes(config) && flags.config !== undefined ? [`--config ${shellWord(flags.config)}`] : []),
    ...(takes(state) && flags.state !== undefined
      ? [`--state ${shellWord(shownLocation(flags.state))}`]
      : []),
    ...(takes(cloud) && flags.cloud !== undefined ? [`--cloud ${shellWord(flags.cloud)}`] : []),
  ];
}
