import type { Command } from 'commander';
import { EXIT, type ExitCode, usage } from '../../domain/errors.ts';
import { suggest } from '../../domain/suggest.ts';
import { subcommandOf } from '../command-line.ts';
import { TOPICS } from '../help/help-topics.ts';
import type { Io } from '../io.ts';
import { buildProgram } from '../program.ts';

/** `vbsctl help`, `vbsctl help get backups`, `vbsctl help recovery`. */
export function help(io: Io, words: readonly string[]): ExitCode {
  const [topic = ''] = words;
  const text = words.length === 1 && Object.hasOwn(TOPICS, topic) ? TOPICS[topic] : undefined;
  if (text !== undefined) {
    io.stdout.write(text);
    return EXIT.done;
  }
  let command = buildProgram(io, () => {});
  for (const word of words) {
    const below = subcommandOf(command, word);
    if (!below) throw unknown(words.join(' '), command, word);
    command = below;
  }
  command.outputHelp();
  return EXIT.done;
}

function unknown(asked: string, command: Command, word: string) {
  const known = [...command.commands.map((each) => each.name()), ...Object.keys(TOPICS)];
  const meant = suggest(word, known);
  return usage(
    `there is no help for ${asked}`,
    meant === undefined
      ? `topics: ${Object.keys(TOPICS).join(', ')}; commands: vbsctl --help`
      : `did you mean ${meant}?`,
  );
}
