import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { error } from '../domain/diagnostic.ts';
import { parseDuration } from '../domain/duration.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import { VERSION } from '../version.ts';
import type { Io } from './io.ts';
import { showFailure } from './show.ts';

/**
 * Start here: what a user can type. Every command is one file beside this one, loaded only when it is run, so
 * that `--help` costs no more than this file.
 */

/** Runs one command line (without node and script name) and resolves with its exit code; never rejects for an operating error. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (cause) {
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? EXIT.done : EXIT.error;
    if (!(cause instanceof Failure)) throw cause;
    showFailure(cause, io, argv);
    return cause.exitCode;
  }
}

export interface CommonFlags {
  readonly config?: string;
  readonly state?: string;
  readonly cloud?: string;
}

export interface ManifestFlags extends CommonFlags {
  readonly filename?: readonly string[];
}

function buildProgram(io: Io, done: (code: ExitCode) => void): Command {
  const program = new Command('vbsctl')
    .description('Restores cloud disks from their backups: declared, reviewed, at most once.')
    .version(`vbsctl ${VERSION}`, '-V, --version')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns,
      getErrHelpWidth: () => io.stderr.columns,
    })
    .configureHelp({ showGlobalOptions: false })
    .showHelpAfterError('(add --help for what is understood)')
    .showSuggestionAfterError(true)
    .exitOverride();
  program.addHelpText('after', FOOTER);

  const add = (name: string, description: string, parent = program) =>
    parent.command(name).description(description).exitOverride().copyInheritedSettings(program);

  withManifests(add('validate', 'check manifests and config without touching cloud or state'))
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./validate.ts')).validate(io, flags)));

  withCloud(withState(add('init', 'create the state, bound to one cloud project'))).action(async (flags) =>
    done(await (await import('./init.ts')).init(io, flags)),
  );

  withPlanning(add('plan', 'show what apply would do; changes nothing'))
    .option('--detailed-exitcode', 'exit 2 when there is something to do, 5 when apply would refuse')
    .option('--offline', 'do not contact the cloud')
    .option('--show-done', 'list every restore that is done already')
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./plan.ts')).plan(io, flags)));

  withPlanning(add('apply', 'restore what is declared and not done yet'))
    .option('--auto-approve', 'do not ask')
    .option('--init-state', 'create the state when there is none')
    .option('--skip-blocked', 'do what can be done and leave blocked restores out')
    .addOption(
      new Option('--parallelism <n>', 'restores under way at the same time').argParser(count(1, 1000)),
    )
    .addOption(lockTimeoutOption())
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./apply.ts')).apply(io, flags)));

  withCloud(withState(add('resolve', 'say what became of a restore whose outcome is unknown')))
    .argument('<address>', 'set/name, as in vbsctl state list')
    .addOption(
      new Option('--as <outcome>', 'what you found out')
        .choices(['succeeded', 'not-started', 'failed'])
        .makeOptionMandatory(),
    )
    .requiredOption('--reason <text>', 'how you know; kept in the history')
    .addOption(lockTimeoutOption())
    .action(async (address, flags) =>
      done(await (await import('./resolve.ts')).resolveRecord(io, address, flags)),
    );

  withState(add('unlock', 'remove a lock that its holder left behind'))
    .argument('<id>', 'of the lock, as the refusal names it')
    .action(async (id, flags) => done(await (await import('./unlock.ts')).unlock(io, id, flags)));

  const state = add('state', 'look at the record of what was done');
  withState(add('list', 'every restore and how it stands', state))
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./state.ts')).list(io, flags)));
  withState(add('show', 'all that is known of one restore', state))
    .argument('<address>', 'set/name')
    .addOption(outputOption())
    .action(async (address, flags) => done(await (await import('./state.ts')).show(io, address, flags)));

  add('emulator', 'serve a VBS cloud on a loopback port, to try things out')
    .addOption(new Option('--port <n>', 'port to listen on').argParser(count(0, 65_535)).default(8787))
    .option('--world <file>', 'keep the world in this file')
    .option('--faults <file>', 'what goes wrong: a JSON fault plan')
    .addOption(
      new Option('--job-duration <duration>', 'how long a restore takes')
        .argParser(duration)
        .default(5_000, '5s'),
    )
    .addOption(
      new Option('--queue <duration>', 'how long a restore stays queued')
        .argParser(duration)
        .default(500, '500ms'),
    )
    .addOption(
      new Option('--volumes <n>', 'that many disks instead of the small default world').argParser(
        count(1, 100_000),
      ),
    )
    .option('--quiet', 'do not print each request')
    .action(async (flags) => done(await (await import('./emulator.ts')).emulator(io, flags)));

  add('version', 'print the version')
    .addOption(outputOption())
    .action(async (flags) => done((await import('./version.ts')).version(io, flags)));
  return program;
}

const FOOTER = `
A first session:
  vbsctl init                       bind a new state to the project of OS_CLOUD or OS_*
  vbsctl plan -f restores.yaml      see what would happen
  vbsctl apply -f restores.yaml     do it; run again to resume after anything
  vbsctl state list                 what was done

Exit codes: 0 done · 1 error or a restore failed · 2 changes pending (plan --detailed-exitcode) ·
3 an outcome is unknown · 4 state is locked · 5 refused · 6 still running · 130 interrupted
`;

function withState(command: Command): Command {
  return command
    .option('--config <file>', 'operator’s settings (default: $VBSCTL_CONFIG, else vbsctl.yaml)')
    .option(
      '--state <location>',
      'where the state is kept (default: state of the config, else vbsctl.state.json)',
    );
}

function withCloud(command: Command): Command {
  return command.option(
    '--cloud <name>',
    'an entry of clouds.yaml, or emulator (default: cloud of the config, else $OS_CLOUD, else $OS_*)',
  );
}

function withManifests(command: Command): Command {
  return command
    .option('-f, --filename <path>', 'manifest file or directory, or - for stdin; repeatable', collect)
    .option('--config <file>', 'operator’s settings (default: $VBSCTL_CONFIG, else vbsctl.yaml)');
}

function withPlanning(command: Command): Command {
  return withCloud(
    withManifests(command).option(
      '--state <location>',
      'where the state is kept (default: state of the config, else vbsctl.state.json)',
    ),
  ).option('--target <address>', 'only this restore (set/name) and what it depends on; repeatable', collect);
}

function outputOption(): Option {
  return new Option('-o, --output <format>', 'text for people, json for machines')
    .choices(['text', 'json'])
    .default('text');
}

function lockTimeoutOption(): Option {
  return new Option('--lock-timeout <duration>', 'how long to wait for another run to end')
    .argParser(duration)
    .default(0, '0s');
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

function count(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`);
    return value;
  };
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('It takes a duration such as 250ms, 90s, 30m or 2h.');
  return ms;
}

/** For commands: a flag that cannot be taken. */
export function usage(summary: string, remedy: string): Failure {
  return new Failure('usage', error('usage', summary, { remedy }));
}
