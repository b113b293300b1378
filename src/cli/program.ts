import { Command, CommanderError } from 'commander';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import { VERSION } from '../version.ts';
import { diagnosticsJson } from '../views/diagnostics.ts';
import type { CommandDefinition, CommandGroup } from './commands/definition.ts';
import { COMMANDS } from './commands/index.ts';
import { afterHelp } from './help/after-help.ts';
import { understand } from './help/foreign-syntax.ts';
import type { Io } from './io.ts';
import { interrupted, printJson, showDiagnostics } from './print.ts';

/** Start here: takes one command line, and mounts every command of `commands/` on the parser. */

/** Runs one command line (without node and script name) and resolves with its exit code; never rejects for an operating error. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  let words = argv;
  try {
    if (argv[0] === COMPLETE)
      return await (await import('./help/completion.ts')).printCandidates(io, program, argv.slice(1));
    words = understand(argv, program);
    await program.parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (cause) {
    if (cause instanceof CommanderError) {
      if (cause.exitCode === 0) return EXIT.done;
      // A group of commands without one of them: its help was shown.
      if (cause.code === 'commander.help') return EXIT.error;
      if (asksForJson(words)) printJson(io, diagnosticsJson([misuse(cause)]));
      else showDiagnostics(io, [misuse(cause)]);
      return EXIT.error;
    }
    const failure = io.stop.aborted && cause === io.stop.reason ? interrupted(io) : cause;
    if (!(failure instanceof Failure)) throw failure;
    // Text to stderr; where the command was asked for JSON, the same as data to stdout.
    if (asksForJson(words)) printJson(io, diagnosticsJson(failure.diagnostics));
    else showDiagnostics(io, failure.diagnostics);
    return failure.exitCode;
  }
}

/** Also of a command line that cannot be taken, as typed. */
function asksForJson(words: readonly string[]): boolean {
  return words.some(
    (word, i) =>
      /^(?:--output=|-o=?|--?)json$/.test(word) ||
      (['-o', '--output'].includes(word) && words[i + 1] === 'json'),
  );
}

/** Commander’s message as a diagnostic: `error: unknown option '--taget'`, then `(Did you mean --target?)`. */
function misuse({ message }: CommanderError): Diagnostic {
  const [summary = '', meant = ''] = message.replace(/^error: /, '').split(/\s*\((?=Did you mean )/);
  const suggestion = meant.replace(/\)$/, '').replace(/^D/, 'd');
  return error('usage', summary.trim(), {
    remedy: `${suggestion === '' ? '' : `${suggestion} Otherwise: `}add --help to see the commands and options`,
  });
}

/** What the completion scripts call, with the words typed so far. */
export const COMPLETE = '__complete';

/** Every command and option; `done` is called with the exit code of the one that ran. */
export function buildProgram(io: Io, done: (code: ExitCode) => void): Command {
  const program = new Command('vbsctl')
    .description('Restores cloud volumes from their backups as declared in manifests, each at most once.')
    .version(`vbsctl ${VERSION}`, '-V, --version')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // Printed by run(), like every other error.
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns,
      getErrHelpWidth: () => io.stderr.columns,
    })
    // Descriptions name defaults and choices themselves: options/option.ts.
    .configureHelp({
      optionDescription: ({ description }) => description,
      argumentDescription: ({ description }) => description,
    })
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride();
  program.addHelpText('after', FOOTER);

  for (const each of COMMANDS) mount(program, each, io, done);
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
  command.action(async (...given) =>
    done(await definition.run(io, command.opts() as never, ...(given.slice(0, operandCount) as never[]))),
  );
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
