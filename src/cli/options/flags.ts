import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../domain/duration.ts';
import { PUSH_RISKS } from '../../domain/push-risks.ts';

/** Flags that several commands share: what they are called, what they take, and what a command gets of them. */

export interface CommonFlags {
  readonly config?: string;
  readonly state?: string;
  readonly cloud?: string;
  readonly minimumSerial?: number;
}

export interface ManifestFlags extends CommonFlags {
  readonly filename?: readonly string[];
}

export function withState(command: Command): Command {
  return withConfig(command).addOption(stateOption());
}

export function withConfig(command: Command): Command {
  return command.option('--config <file>', 'operator’s settings (default: $VBSCTL_CONFIG, else vbsctl.yaml)');
}

export function stateOption(): Option {
  return new Option(
    '--state <location>',
    'where the state is kept (default: state of the config, else vbsctl.state.json)',
  );
}

/** For commands that rely on the state. */
export function minimumSerialOption(): Option {
  return new Option(
    '--minimum-serial <n>',
    'refuse a state that is older than this serial (default: $VBSCTL_MINIMUM_SERIAL)',
  ).argParser(count(0, Number.MAX_SAFE_INTEGER));
}

export function withFilters(command: Command): Command {
  return command
    .option('--volume <name>', 'of this disk, by name or id; repeatable', collect)
    .option('--server <name>', 'of the disks attached to it, by name or id; repeatable', collect)
    .option('--name <glob>', 'whose own name fits, such as pay-db-*; repeatable', collect)
    .option('--status <status>', 'in this status; repeatable', collect);
}

export function listOutputOption(): Option {
  return new Option(
    '-o, --output <format>',
    'a table for people, json or yaml for machines, name for scripts',
  )
    .choices(['table', 'json', 'yaml', 'name'])
    .default('table');
}

export function withCloud(command: Command): Command {
  return command.option(
    '--cloud <name>',
    'an entry of clouds.yaml, or emulator (default: cloud of the config, else $OS_CLOUD, else $OS_*)',
  );
}

export function withManifests(command: Command): Command {
  return command
    .option('-f, --filename <path>', 'manifest file or directory, or - for stdin; repeatable', collect)
    .option('--config <file>', 'operator’s settings (default: $VBSCTL_CONFIG, else vbsctl.yaml)');
}

export function withPlanning(command: Command): Command {
  return withCloud(
    withManifests(command).option(
      '--state <location>',
      'where the state is kept (default: state of the config, else vbsctl.state.json)',
    ),
  )
    .addOption(minimumSerialOption())
    .option('--target <address>', 'only this restore (set/name) and what it depends on; repeatable', collect);
}

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'text for people, json for machines')
    .choices(['text', 'json'])
    .default('text');
}

export function lockTimeoutOption(): Option {
  return new Option('--lock-timeout <duration>', 'how long to wait for another run to end')
    .argParser(duration)
    .default(0, '0s');
}

/** Those of the risks whose flag `--allow-…` was given; commander calls it `allowOldBackups`. */
export function allowed<Risk extends string>(risks: readonly Risk[], flags: object): Risk[] {
  const given = new Map(Object.entries(flags));
  return risks.filter(
    (risk) =>
      given.get(`allow-${risk}`.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())) === true,
  );
}

/** For commands that change the state itself. */
export function withEditing(command: Command): Command {
  return command
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--backup <file>', 'where to keep the state as it was (default: beside it, else here)')
    .addOption(lockTimeoutOption())
    .addOption(minimumSerialOption());
}

export const RISKS_GROUP = 'Risks taken by name:';

export function withPushRisks(command: Command): Command {
  for (const [risk, what] of Object.entries(PUSH_RISKS))
    command.addOption(new Option(`--allow-${risk}`, what).helpGroup(RISKS_GROUP));
  return command;
}

export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

export function count(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`);
    return value;
  };
}

export function name(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError('It takes lower-case letters, digits and dashes, at most 63.');
  return text;
}

export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('It takes a duration such as 250ms, 90s, 30m or 2h.');
  return ms;
}
