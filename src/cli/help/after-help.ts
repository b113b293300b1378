import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { type CommandDefinition, type CommandGroup, exitsOf } from '../commands/definition.ts';

export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT.done]: 'done, or nothing to do',
  [EXIT.error]: 'an error, or a restore failed',
  [EXIT.changes_pending]: 'changes pending (plan --detailed-exitcode only)',
  [EXIT.outcome_unknown]: 'an outcome is unknown and has to be resolved by hand (vbsctl help recovery)',
  [EXIT.locked]: 'the state is locked by another run',
  [EXIT.refused]: 'refused or blocked: something declared was not done; the message says why',
  [EXIT.still_running]: 'started or still running in the cloud: run vbsctl wait, or the same command again',
  [EXIT.interrupted]: 'interrupted: run the same command again to resume',
};

/** The text below the options in --help: examples, and the exit codes with their meanings. */
export function afterHelp({ examples, ...command }: CommandDefinition | CommandGroup): string {
  const short = examples.filter(([line]) => line.length <= COLUMN_MAX);
  const widest = Math.max(0, ...short.map(([line]) => line.length));
  const lines = examples.map(([line, what]) =>
    line.length > COLUMN_MAX ? `  ${line}\n      ${what}` : `  ${line.padEnd(widest)}  ${what}`,
  );
  const codes = [EXIT.done, EXIT.error, ...('run' in command ? exitsOf(command) : [])].sort((a, b) => a - b);
  const exits = codes.map((code) => `  ${code}  ${EXIT_MEANINGS[code]}`);
  return ['', 'Examples:', ...lines, '', 'Exit codes (vbsctl help exit-codes):', ...exits].join('\n');
}

const COLUMN_MAX = 50;
