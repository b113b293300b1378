import type { Command, Option } from 'commander';
import { MultilineText } from '../domain/diagnostic.ts';
import { Failure, usage } from '../domain/errors.ts';
import { shellPath, shellWord } from '../domain/escape/shell-word.ts';
import { shownWord } from '../domain/looks-like-path.ts';
import { FOREIGN_COMMANDS, foreignOption, refuseOperand } from './foreign-syntax.ts';
import { output } from './options/shared.ts';

/**
 * A whole command line, or its beginning if the shell asks for completions. Options in the syntax of other tools are
 * rewritten if they can only mean one thing: `-auto-approve`, `-target=x`.
 */
export interface CommandLine {
  /** The words in the syntax of this program. */
  readonly words: readonly string[];
  /** The innermost command that the words name. */
  readonly command: Command;
  /** Number of words that are arguments of this command. */
  readonly operands: number;
  /** The values of the options, by their names in the flags of a command. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** The option whose value is the next word. */
  readonly awaited: Option | undefined;
  /** Why the command line cannot be used, if it is known before it is parsed. */
  readonly problem: Failure | undefined;
}

export function readCommandLine(argv: readonly string[], program: Command): CommandLine {
  const words: string[] = [];
  const flags: Record<string, unknown> = {};
  let command = program;
  let operands = 0;
  let awaited: Option | undefined;
  let problem: Failure | undefined;
  /** After an unknown option, the next word may be its value. Commander reports the option. */
  let hasUnknown = false;

  const readOption = (arg: string) => {
    const word = rewritten(command, arg);
    if (word === undefined) return;
    words.push(word);
    const [name, value] = splitOption(word);
    // An error of a command without this option is still printed as JSON if that was asked for.
    const option = optionOf(command, name) ?? [output].find((each) => isNamed(each, name));
    if (option && value !== undefined) note(flags, option, value);
    else if (option?.required) awaited = option;
    hasUnknown ||= !optionOf(command, name);
  };

  const readOperand = (arg: string) => {
    words.push(arg);
    const below = subcommandOf(command, arg);
    if (below) {
      command = below;
      return;
    }
    // Only the first word can be a command of another tool: `workspace list` is about workspaces.
    const isFirst = command === program && operands === 0;
    const instead = isFirst ? FOREIGN_COMMANDS.get(arg) : undefined;
    if (instead !== undefined) throw usage(`unknown command '${arg}'`, instead);
    operands++;
    if (!hasUnknown) refuseOperand(command, shownWord(arg), operands);
  };

  const read = (arg: string) => {
    if (awaited) {
      const option = awaited;
      awaited = undefined;
      words.push(arg);
      note(flags, option, arg);
      refuseFileAsFormat(command, option, arg);
    } else if (arg.startsWith('-') && arg !== '-') readOption(arg);
    else readOperand(arg);
  };

  for (const [index, arg] of argv.entries()) {
    if (arg === '--') {
      words.push(...argv.slice(index));
      break;
    }
    try {
      read(arg);
    } catch (cause) {
      if (!(cause instanceof Failure)) throw cause;
      problem ??= cause;
    }
  }
  if (command.name() === 'show' && command.parent === program && operands === 0 && !asksForHelp(words))
    problem ??= usage(
      'show requires a saved plan',
      new MultilineText(
        'name its file: vbsctl show plan.json',
        'for what was done: vbsctl state list',
        'for what is not finished: vbsctl status',
      ),
    );
  return { words, command, operands, flags, awaited, problem };
}

function asksForHelp(words: readonly string[]): boolean {
  return words.includes('--help') || words.includes('-h');
}

export function subcommandOf(command: Command, word: string): Command | undefined {
  return command.commands.find((each) => each.name() === word || each.aliases().includes(word));
}

export function optionOf(command: Command, name: string): Option | undefined {
  return command.options.find((option) => isNamed(option, name));
}

function isNamed({ long, short }: Option, name: string): boolean {
  return name === long || name === short;
}

/** `--name=value` and `-nvalue`; `-n` and `--name` have no value. */
export function splitOption(word: string): [name: string, value: string | undefined] {
  if (!word.startsWith('--')) return [word.slice(0, 2), word.length > 2 ? word.slice(2) : undefined];
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function note(flags: Record<string, unknown>, option: Option, value: string): void {
  const key = option.attributeName();
  try {
    flags[key] = option.parseArg ? option.parseArg(value, flags[key]) : value;
  } catch {
    // Commander reports a value that is not valid.
  }
}

/** `-target=x` → `--target=x`, `-o=json` → `--output=json`, `-auto-approve=true` → `--auto-approve`. Undefined: `=false`. */
function rewritten(command: Command, arg: string): string | undefined {
  const [, dashes = '', name = '', value] = /^(--?)([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(arg) ?? [];
  if (name === '') return arg;
  if (name === 'help' && value === undefined) return '--help';
  const isShort = dashes === '-' && name.length === 1;
  const option = optionOf(command, isShort ? `-${name}` : `--${name}`);
  if (!option) {
    if (name === 'json' && optionOf(command, '--output')) return '--output=json';
    const correction = foreignOption(command, name);
    if (correction) throw correction;
    return arg;
  }
  const { long } = option;
  if (!long || (isShort && value === undefined)) return arg;
  if (value === undefined) return long;
  if (option.required || option.optional) {
    refuseFileAsFormat(command, option, value);
    return `${long}=${value}`;
  }
  if (value === 'true') return long;
  return value === 'false' ? undefined : arg;
}

/** `--output plan.json`: a file in place of the format. */
function refuseFileAsFormat(command: Command, { long, argChoices }: Option, value: string): void {
  if (long !== '--output' || !optionOf(command, long) || !argChoices) return;
  if (argChoices.includes(value) || !/[./]/.test(value)) return;
  throw usage(
    `--output takes a format (${argChoices.join('|')}), not a file`,
    optionOf(command, '--out')
      ? `to save the plan to a file: --out ${shellWord(value)}`
      : `to write to a file: vbsctl ${command.name()} --output json > ${shellPath(value)}`,
  );
}
