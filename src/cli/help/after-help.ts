import { EXIT, type ExitCode } from '../../domain/errors.ts';
import type { CommandDefinition, CommandGroup } from '../commands/definition.ts';

export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT.done]: 'done, or nothing to do',
  [EXIT.error]: 'an error, or a restore failed',
  [EXIT.changes_pending]: 'changes pending (plan --detailed-exitcode only)',
  [EXIT.outcome_unknown]: 'an outcome is unknown: a person has to decide (vbsctl help recovery)',
  [EXIT.locked]: 'the state is locked by another run',
  [EXIT.refused]: 'refused or blocked: something declared was not done; the message says why',
  [EXIT.still_running]: 'started or still running in the cloud: run vbsctl wait, or the same command again',
  [EXIT.interrupted]: 'interrupted: run the same command again to resume',
};

/** What stands below the options in --help: how the command is used, and what its exit codes mean. */
export function afterHelp({ examples, ...command }: CommandDefinition | CommandGroup): string {
  const short = examples.filter(([line]) => line.length <= COLUMN_MAX);
  const widest = Math.max(0, ...short.map(([line]) => line.length));
  const lines = examples.map(([line, what]) =>
    line.length > COLUMN_MAX ? `  ${line}\n      ${what}` : `  ${line.padEnd(widest)}  ${what}`,
  );
  const codes = [EXIT.done, EXIT.error, ...('exits' in command ? (command.exits ?? []) : [])].sort(
    (a, b) => a - b,
  );
  const exits = codes.map((code) => `  ${code}  ${EXIT_MEANINGS[code]}`);
  return ['', 'Examples:', ...lines, '', 'Exit codes (vbsctl help exit-codes):', ...exits].join('\n');
}

const COLUMN_MAX = 50;
