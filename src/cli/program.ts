import { Argument, Command, CommanderError, Option } from 'commander';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import { VERSION } from '../version.ts';
import { diagnosticsJson } from '../views/diagnostics.ts';
import { afterHelp } from './help/examples.ts';
import { understand } from './help/foreign-syntax.ts';
import type { Io } from './io.ts';
import {
  collect,
  count,
  duration,
  listOutputOption,
  lockTimeoutOption,
  minimumSerialOption,
  name,
  outputOption,
  RISKS_GROUP,
  stateOption,
  withCloud,
  withConfig,
  withEditing,
  withFilters,
  withManifests,
  withPlanning,
  withPushRisks,
  withState,
} from './options/flags.ts';
import { moment, since } from './options/moment.ts';
import { withWaivers } from './options/waivers.ts';
import { interrupted, printJson, showDiagnostics } from './print.ts';

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

/** Commander’s words in our shape: `error: unknown option '--taget'`, then `(Did you mean --target?)`. */
function misuse({ message }: CommanderError): Diagnostic {
  const [summary = '', meant = ''] = message.replace(/^error: /, '').split(/\s*\((?=Did you mean )/);
  const remedy = 'see what is understood: add --help';
  const suggestion = meant.replace(/\)$/, '').replace(/^D/, 'd');
  return error('usage', summary.trim(), {
    remedy: suggestion === '' ? remedy : `${suggestion} Else ${remedy}`,
  });
}

/** What the completion scripts call, with the words typed so far. */
export const COMPLETE = '__complete';

/** Every command and flag; `done` is told the exit code of the one that ran. */
export function buildProgram(io: Io, done: (code: ExitCode) => void): Command {
  const program = new Command('vbsctl')
    .description('Restores cloud disks from their backups: declared, reviewed, at most once.')
    .version(`vbsctl ${VERSION}`, '-V, --version')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // Told like everything else, where it is caught.
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns,
      getErrHelpWidth: () => io.stderr.columns,
    })
    .configureHelp({ showGlobalOptions: false })
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride();
  program.addHelpText('after', FOOTER);

  const add = (name: string, description: string, parent = program) =>
    parent.command(name).description(description).exitOverride().copyInheritedSettings(program);

  withManifests(add('validate', 'check manifests and config without touching cloud or state'))
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./commands/validate.ts')).validate(io, flags)));

  withCloud(
    add('init', 'create the state, bound to one cloud project')
      .option(
        '--config [file]',
        'operator’s settings; without a file: write a commented vbsctl.yaml, no more',
      )
      .addOption(stateOption()),
  ).action(async (flags) =>
    done(
      flags.config === true
        ? await (await import('./commands/init-config.ts')).initConfig(io, flags)
        : await (await import('./commands/init.ts')).init(io, flags),
    ),
  );

  const get = add('get', 'look at what the project has: backups, volumes, servers');
  withFilters(withCloud(withConfig(add('backups', 'what could be gone back to, newest first', get))))
    .alias('backup')
    .addOption(new Option('--before <time>', 'taken at or before').argParser(moment))
    .addOption(new Option('--after <time>', 'taken at or after').argParser(moment))
    .addOption(listOutputOption())
    .action(async (flags) => done(await (await import('./commands/get.ts')).get(io, 'backups', flags)));
  withFilters(withCloud(withConfig(add('volumes', 'disks, where they are attached, their last backup', get))))
    .aliases(['volume', 'disks', 'disk'])
    .addOption(listOutputOption())
    .action(async (flags) => done(await (await import('./commands/get.ts')).get(io, 'volumes', flags)));
  withFilters(withCloud(withConfig(add('servers', 'servers and the disks attached to them', get))))
    .alias('server')
    .addOption(listOutputOption())
    .action(async (flags) => done(await (await import('./commands/get.ts')).get(io, 'servers', flags)));

  withCloud(withConfig(add('generate', 'write a manifest to stdout: each disk and its newest backup')))
    .option('--server <name>', 'the disks attached to it, by name or id; repeatable', collect)
    .option('--volume <name>', 'this disk, by name or id; repeatable', collect)
    .option('--name <glob>', 'disks whose name fits, such as pay-db-*; repeatable', collect)
    .option('--all', 'every disk of the project')
    .addOption(
      new Option(
        '--as-of <time>',
        'the newest backup at or before, such as 2026-11-23T22:00:00+01:00',
      ).argParser(moment),
    )
    .option('--latest', 'the newest backup there is')
    .addOption(
      new Option('--set <name>', 'what the set is called (default: after the server)').argParser(name),
    )
    .action(async (flags) => done(await (await import('./commands/generate.ts')).generate(io, flags)));

  withWaivers(withPlanning(add('plan', 'show what apply would do; changes nothing')))
    .option('--out <file>', 'save the plan, for vbsctl apply FILE to do exactly that')
    .option('--sign <key>', 'sign the saved plan: an ed25519 private key, PEM (default: $VBSCTL_SIGNING_KEY)')
    .option(
      '--detailed-exitcode',
      'exit 2 when there is something to do, 5 when apply would refuse (3: an outcome is unknown)',
    )
    .option('--offline', 'do not contact the cloud')
    .option('--show-done', 'list every restore that is done already')
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./commands/plan.ts')).plan(io, flags)));

  withWaivers(
    withPlanning(add('apply', 'restore what is declared and not done yet, or what a saved plan says')),
  )
    .argument('[plan]', 'a file that plan --out saved: exactly that is done, without asking')
    .addOption(new Option('--max-age <duration>', 'refuse a saved plan that is older').argParser(duration))
    .option(
      '--trusted-keys <dir>',
      'take only a saved plan that one of these public keys signed (default: $VBSCTL_TRUSTED_KEYS)',
    )
    .option('--auto-approve', 'do not ask')
    .option('--init-state', 'create the state when there is none')
    .option('--skip-blocked', 'do what can be done and leave blocked restores out')
    .option('--no-wait', 'submit what is ready and leave it to the cloud; exits 6 while it works')
    .addOption(
      new Option('--parallelism <n>', 'restores under way at the same time').argParser(count(1, 1000)),
    )
    .addOption(lockTimeoutOption())
    .addOption(outputOption())
    .action(async (plan, flags) =>
      done(
        plan === undefined
          ? await (await import('./commands/apply.ts')).apply(io, flags)
          : await (await import('./commands/apply-saved.ts')).applySaved(io, plan, flags),
      ),
    );

  add('show', 'show a saved plan again')
    .argument('<plan>', 'a file that plan --out saved')
    .option('--show-done', 'list every restore that was done already')
    .option('--trusted-keys <dir>', 'check the signature; 5 when none of these public keys made it')
    .addOption(outputOption())
    .action(async (plan, flags) =>
      done(await (await import('./commands/show-plan.ts')).showPlan(io, plan, flags)),
    );

  withCloud(
    withManifests(add('import', 'record a declared restore that was done by hand')).addOption(stateOption()),
  )
    .argument('<address>', 'set/name, as declared')
    .option('--job-id <id>', 'of the restore, which the cloud must call a success')
    .option('--succeeded-at <time>', 'when it ended, where the cloud has forgotten the job')
    .option('--reason <text>', 'how you know; kept in the history')
    .addOption(lockTimeoutOption())
    .addOption(minimumSerialOption())
    .action(async (address, flags) =>
      done(await (await import('./commands/import.ts')).importByHand(io, address, flags)),
    );

  withManifests(add('status', 'what is open: age, job, request ids, what waits behind it; takes no lock'))
    .argument('[address...]', 'set/name; without: everything that is open')
    .addOption(stateOption())
    .addOption(minimumSerialOption())
    .addOption(outputOption())
    .action(async (addresses, flags) =>
      done(await (await import('./commands/status.ts')).status(io, addresses, flags)),
    );

  withCloud(
    withState(add('wait', 'follow what is open to its end; never starts anything, needs no manifests')),
  )
    .argument('[address...]', 'set/name; without: everything that is open')
    .addOption(
      new Option(
        '--timeout <duration>',
        'how long to follow (default: apply.timeout of the config, else 2h)',
      ).argParser(duration),
    )
    .addOption(lockTimeoutOption())
    .addOption(minimumSerialOption())
    .addOption(outputOption())
    .action(async (addresses, flags) =>
      done(await (await import('./commands/wait.ts')).wait(io, addresses, flags)),
    );

  withCloud(withState(add('resolve', 'say what became of a restore whose outcome is unknown')))
    .argument('<address>', 'set/name, as in vbsctl state list')
    .addOption(
      new Option('--as <succeeded|not-started|failed>', 'what you found out')
        .choices(['succeeded', 'not-started', 'failed'])
        .makeOptionMandatory(),
    )
    .requiredOption('--reason <text>', 'how you know; kept in the history')
    .addOption(lockTimeoutOption())
    .addOption(minimumSerialOption())
    .action(async (address, flags) =>
      done(await (await import('./commands/resolve.ts')).resolveRecord(io, address, flags)),
    );

  withState(add('unlock', 'remove a lock that its holder left behind'))
    .argument('<id>', 'of the lock, as the refusal names it')
    .action(async (id, flags) => done(await (await import('./commands/unlock.ts')).unlock(io, id, flags)));

  const state = add('state', 'look at the record of what was done, and look after it');
  withState(add('list', 'every restore and how it stands', state))
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./commands/state-show.ts')).list(io, flags)));
  withState(add('show', 'all that is known of one restore', state))
    .argument('<address>', 'set/name')
    .addOption(outputOption())
    .action(async (address, flags) =>
      done(await (await import('./commands/state-show.ts')).show(io, address, flags)),
    );
  withState(add('history', 'who did what, when, from which commit, by which plan, how it ended', state))
    .option('--address <address>', 'of this restore, under earlier names, too')
    .option('--volume <name>', 'of this disk, by id or name')
    .addOption(new Option('--since <time>', 'not older: 7d, 12h, or a time with its zone').argParser(since))
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./commands/state-history.ts')).history(io, flags)));
  withState(add('verify', 'whether the history is as it was written, and fits the records', state))
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./commands/state-verify.ts')).verifyState(io, flags)));
  withState(add('lock-info', 'who holds the lock', state))
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./commands/state-lock-info.ts')).lockInfo(io, flags)));
  withEditing(withState(add('accept', 'go on with a state that does not verify or is older', state)))
    .requiredOption('--reason <text>', 'why it can be relied on; kept in the history')
    .option('--auto-approve', 'do not ask')
    .action(async (flags) => done(await (await import('./commands/state-accept.ts')).accept(io, flags)));
  withEditing(withState(add('rm', 'tidy records away; what was done stays done', state)))
    .argument('<address...>', 'set/name')
    .action(async (addresses, flags) =>
      done(await (await import('./commands/state-edit.ts')).rm(io, addresses, flags)),
    );
  withEditing(withState(add('mv', 'rename a record', state)))
    .argument('<address>', 'set/name, as in vbsctl state list')
    .argument('<new-address>', 'what it is called from now on')
    .action(async (from, to, flags) =>
      done(await (await import('./commands/state-edit.ts')).mv(io, from, to, flags)),
    );
  withState(add('pull', 'print the whole state with its chain, as it is stored', state)).action(
    async (flags) => done(await (await import('./commands/state-transfer.ts')).pull(io, flags)),
  );
  withPushRisks(
    withEditing(withState(add('push', 'put a whole state in place, or merge errored.state.json', state))),
  )
    .argument('<file>', 'of state pull, a backup, or errored.state.json; - for stdin')
    .action(async (file, flags) =>
      done(await (await import('./commands/state-transfer.ts')).push(io, file, flags)),
    );
  withPushRisks(
    withEditing(withState(add('migrate', 'bring the state to another place, and mark the old one', state))),
  )
    .option('--to <location>', 'a file, https://…, s3://… or postgres://…; never with a password in it')
    .option('--undo', 'take the place that --state names in use again, without the new one')
    .addOption(
      new Option('--allow-lost-work', 'with --undo: forget what was done at the new place').helpGroup(
        RISKS_GROUP,
      ),
    )
    .action(async (flags) => done(await (await import('./commands/state-migrate.ts')).migrate(io, flags)));

  const auth = add('auth', 'how the cloud is reached: settings and rights');
  withCloud(withConfig(add('show', 'which setting comes from where; secrets are not shown', auth)))
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./commands/auth-show.ts')).authShow(io, flags)));
  withCloud(withConfig(add('check', 'try it step by step, changing nothing', auth)))
    .addOption(outputOption())
    .action(async (flags) => done(await (await import('./commands/auth-check.ts')).authCheck(io, flags)));

  add('emulator', 'serve a VBS cloud on a loopback port, to try things out')
    .addOption(new Option('--port <n>', 'port to listen on').argParser(count(0, 65_535)).default(8787))
    .option('--world <file>', 'keep the world in this file')
    .option('--faults <file>', 'what goes wrong: a JSON fault plan (vbsctl help faults)')
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
    .option('--allow-host <name>', 'answer to this host name, too; repeatable', collect)
    .option('--quiet', 'do not print each request')
    .option(
      '--detach <server>',
      'serve nothing: detach the disks of a server, in the emulator at OS_AUTH_URL, else in --world',
    )
    .action(async (flags) => done(await (await import('./commands/emulator.ts')).emulator(io, flags)));

  add('version', 'print the version')
    .addOption(outputOption())
    .action(async (flags) => done((await import('./commands/version.ts')).version(io, flags)));

  add('completion', 'print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'your shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell) => done((await import('./help/completion-scripts.ts')).completion(io, shell)));

  add('help', 'help on a command, or on exit-codes, manifest, config, recovery, faults')
    .argument('[topic...]', 'a command or a topic')
    .action(async (topic) => done((await import('./help/help.ts')).help(io, program, topic)));

  addExamples(program);
  return program;
}

/** Under the flags of every command: how it is used, and what its exit codes mean. */
function addExamples(command: Command, path = ''): void {
  for (const below of command.commands) {
    const name = path === '' ? below.name() : `${path} ${below.name()}`;
    below.addHelpText('after', () => afterHelp(name));
    addExamples(below, name);
  }
}

const FOOTER = `
A first session (the project is the one of OS_CLOUD or OS_*; to try it without one, add --cloud emulator,
where vbsctl emulator --detach SERVER makes disks ready):
  vbsctl get servers                                          what is there
  vbsctl get backups --server NAME                            what it could go back to
  vbsctl generate --server NAME --latest > restores.yaml      declare it; read it, change it
  vbsctl init                                                 a new state, bound to this project
  vbsctl plan                                                 see what would happen
  vbsctl apply                                                do it; run again to resume after anything
  vbsctl status                                               what is still open

More: vbsctl help COMMAND, vbsctl help exit-codes | manifest | config | recovery | faults
`;
