import type { Argument, Option } from 'commander';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import type { Io } from '../io.ts';

/**
 * What a user can type. Every start of the program loads all definitions, so their files import only options and small types;
 * `run` imports the work (`run-*.ts`), unless it is a line or two.
 */
export interface CommandDefinition<Flags = never, Operands extends readonly unknown[] = never[]> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly arguments?: readonly Argument[];
  readonly options?: readonly Option[];
  readonly examples: readonly Example[];
  /**
   * Exit codes besides 0 and 1, which every command has. Default: those of a command that reads manifests, a state or a cloud.
   * The tests of the built program fail on a code that is not listed.
   */
  readonly exits?: readonly ExitCode[];
  run(io: Io, flags: Flags, ...operands: Operands): Promise<ExitCode>;
}

/** `vbsctl state …`: commands below one word. */
export interface CommandGroup extends Pick<CommandDefinition, 'name' | 'summary' | 'examples'> {
  readonly commands: readonly CommandDefinition[];
}

/** The exit codes of a command that reads manifests, a state or a cloud. */
export const READING_EXITS: readonly ExitCode[] = [EXIT.refused, EXIT.interrupted];
/** The exit codes of a command that locks the state. */
export const LOCKING_EXITS: readonly ExitCode[] = [EXIT.locked, ...READING_EXITS];

export function exitsOf({ exits = READING_EXITS }: Pick<CommandDefinition, 'exits'>): readonly ExitCode[] {
  return exits;
}

export type Example = readonly [command: string, what: string];
