import { type Argument, Command, CommanderError, Help, type Option } from 'commander';
import { isoTime } from '../domain/clock.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure, usage } from '../domain/errors.ts';
import { shownWord } from '../domain/looks-like-path.ts';
import { isUrl } from '../domain/shown-location.ts';
import { isTextTooLong } from '../domain/text-limit.ts';
import { refuseContent } from '../files/refuse-content.ts';
import { VERSION } from '../version.ts';
import { applyJsonLine } from '../views/apply-json.ts';
import { diagnosticsJson } from '../views/diagnostics.ts';
import { type CommandLine, readCommandLine } from './command-line.ts';
import type { CommandDefinition, CommandGroup } from './commands/definition.ts';
import { COMMANDS } from './commands/index.ts';
import { afterHelp } from './help/after-help.ts';
import type { Io } from './io.ts';
import { completesOf } from './options/option.ts';
import { OUTPUT_FORMATS, outputLines } from './options/shared.ts';
import { inFormat, interrupted, printJson, showDiagnostics } from './print.ts';
import { systemClock } from './system.ts';

/** Start here: reads one command line, and mounts every command of `commands/` on the parser. */

/**
 * Runs one command line (without node and script name), and resolves with its exit code. Rejects only for a bug, not for an
 * operating error.
 */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const done = (code: ExitCode) => {
    exitCode = code;
  };
  // Help, completion and mistakes need all commands.
  const named = COMMANDS.filter(({ name }) => name === argv[0]);
  const program = buildProgram(io, done, named.length > 0 ? named : COMMANDS);
  if (argv[0] === COMPLETE)
    return await (await import('./completion.ts')).printCandidates(io, program, argv.slice(1));
  const line = readCommandLine(argv, program);
  try {
    if (line.problem) throw line.problem;
    await program.parseAsync([...line.words], { from: 'user' });
    return exitCode;
  } catch (cause) {
    if (cause instanceof CommanderError && cause.exitCode === 0) return EXIT.done;
    // A group without one of its commands: commander has shown its help.
    if (cause instanceof CommanderError && cause.code === 'commander.help') return EXIT.error;
    const failure = failureOf(cause, io);
    showFailure(io, line, failure.diagnostics);
    return failure.exitCode;
  }
}

function failureOf(cause: unknown, io: Io): Failure {
  if (cause instanceof CommanderError) return misuse(cause);
  if (io.stop.aborted && cause === io.stop.reason) return interrupted(io);
  if (cause instanceof Failure) return cause;
  if (isTextTooLong(cause)) return textTooLong(cause);
  throw cause;
}

/** Whatever the command writes: an output, a plan file. A run of restores that this happens to can be resumed. */
function textTooLong(cause: unknown): Failure {
  return Failure.of(
    'invalid',
    'text-too-long',
    'the text to write is longer than 512 MiB, the limit of Node.js',
    { remedy: 'name one restore (set/name, --target) or fewer manifests (-f) at a time' },
    { cause },
  );
}

/** Commander’s message as a failure: `error: unknown option '--taget'`, then `(Did you mean --target?)`. */
function misuse({ message }: CommanderError): Failure {
  const [summary = '', meant = ''] = message.replace(/^error: /, '').split(/\s*\((?=Did you mean )/);
  const suggestion = meant.replace(/\)$/, '').replace(/^D/, 'd');
  return usage(
    // A word in quotation marks may be the content of a file, which begins with -----BEGIN or is in a wrong place.
    summary.trim().replace(/'(.*?)'/gs, (_, word: string) => `'${shownWord(word)}'`),
    `${suggestion === '' ? '' : `${suggestion} Otherwise: `}add --help to see the commands and options`,
  );
}

/** Text goes to stderr. JSON goes to stdout in the form of the command: one document, or one line. */
function showFailure(io: Io, { flags, command }: CommandLine, diagnostics: readonly Diagnostic[]): void {
  const failure = diagnosticsJson(diagnostics);
  // Text if the option is missing or wrong, and for the formats that only some commands have.
  inFormat(OUTPUT_FORMATS.find((format) => format === flags.output) ?? 'text', {
    text: () => showDiagnostics(io, diagnostics),
    json: () => {
      const isInLines = command.options.includes(outputLines);
      if (isInLines)
        io.stdout.write(applyJsonLine({ at: isoTime(systemClock.now()), type: 'failure', ...failure }));
      else printJson(io, failure);
    },
  });
}

/** The completion scripts call it with the words typed so far. */
const COMPLETE = '__complete';

/** The commands and their options; `done` is called with the exit code of the one that ran. */
export function buildProgram(io: Io, done: (code: ExitCode) => void, commands = COMMANDS): Command {
  const program = new Command('vbsctl')
    .description('Restores cloud volumes from their backups as declared in manifests, each at most once.')
    .version(`vbsctl ${VERSION}`, '-V, --version')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // run() prints it, like every other error.
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns,
      getErrHelpWidth: () => io.stderr.columns,
    })
    // The descriptions contain defaults and choices: options/option.ts.
    .configureHelp({
      optionDescription: ({ description }) => description,
      argumentDescription: ({ description }) => description,
      // Commander shows the first alias only.
      subcommandTerm: (command) =>
        new Help().subcommandTerm(command).replace(/\|\S+/, `|${command.aliases().join('|')}`),
    })
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride();
  program.addHelpText('after', FOOTER);

  for (const each of commands) mount(program, each, io, done);
  return program;
}

function mount(
  parent: Command,
  definition: CommandDefinition | CommandGroup,
  io: Io,
  done: (code: ExitCode) => void,
): void {
  const command = parent
    .command(definition.name)
    .description(definition.summary)
    .exitOverride()
    .copyInheritedSettings(parent)
    .addHelpText('after', () => afterHelp(definition));
  if ('commands' in definition) {
    for (const each of definition.commands) mount(command, each, io, done);
    return;
  }
  command.aliases([...(definition.aliases ?? [])]);
  for (const argument of definition.arguments ?? []) command.addArgument(argument);
  for (const option of definition.options ?? []) command.addOption(option);
  const operandCount = definition.arguments?.length ?? 0;
  command.action(async (...given) => {
    const operands = given.slice(0, operandCount);
    refuseContents(command, operands, io);
    Object.assign(io.typed, { flags: command.opts(), commands: COMMANDS });
    done(await definition.run(io, command.opts() as never, ...(operands as never[])));
  });
}

/** A value that is not a path where one is expected may be the content of a file. */
function refuseContents(command: Command, operands: readonly unknown[], io: Io): void {
  const check = (of: Option | Argument, name: string, value: unknown) => {
    if (completesOf(of) !== 'files') return;
    for (const each of [value].flat())
      if (typeof each === 'string' && each !== '-' && !isUrl(each)) refuseContent(name, each, io.cwd);
  };
  for (const option of command.options)
    check(option, option.long ?? option.flags, command.getOptionValue(option.attributeName()));
  for (const [index, argument] of command.registeredArguments.entries())
    check(argument, argument.name().toUpperCase(), operands[index]);
}

const FOOTER = `
A first session, in the project of OS_CLOUD or the OS_* variables. Without a cloud, add --cloud emulator to each
command but status, and before apply detach the volumes of the server: vbsctl emulator --detach NAME

  vbsctl get servers                                          list the servers
  vbsctl get backups --server NAME                            list the backups of a server
  vbsctl generate --server NAME --latest > restores.yaml      write a manifest, then review and edit it
  vbsctl init                                                 create the state, bound to this project
  vbsctl plan                                                 show what would happen
  vbsctl apply                                                run the restores; run it again to resume
  vbsctl status                                               show what is not finished

More: vbsctl help COMMAND, vbsctl help exit-codes | manifest | config | recovery | faults
`;
