import { type Command, Option } from 'commander';
import { WAIVERS, type Waiver } from '../../domain/policy.ts';
import { allowed } from './flags.ts';

/** One flag per risk: a single `--force` for everything would be a trap. */
export function withWaivers(command: Command): Command {
  for (const [waiver, what] of Object.entries(WAIVERS))
    command.addOption(
      new Option(`--allow-${waiver}`, what).helpGroup('Limits lifted for this run, kept in the history:'),
    );
  return command;
}

/** As commander names them: `allowOldBackups`. */
export type WaiverFlags = { readonly [flag in `allow${string}`]?: boolean };

export function waiversOf(flags: WaiverFlags): Waiver[] {
  return allowed(Object.keys(WAIVERS) as Waiver[], flags);
}
