import { type MigratePorts, type Migration, migrate as migrateState, takeBack } from '../../app/migrate.ts';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { shellWord } from '../../domain/escape/shell-word.ts';
import { PUSH_RISKS } from '../../domain/push-risks.ts';
import { isUrl } from '../../domain/shown-location.ts';
import type { PushRisk, State } from '../../domain/state.ts';
import { sanitize } from '../../views/terminal.ts';
import { plural } from '../../views/words.ts';
import type { Io } from '../io.ts';
import { allowed } from '../options/shared.ts';
import { absolute, actor, loadSettings, openLocation, openState } from '../setup.ts';
import { refuseFaults, statePorts } from '../state-check.ts';
import { usage } from '../usage.ts';
import type { EditFlags } from './run-state-edit.ts';

export interface MigrateFlags extends EditFlags {
  readonly to?: string;
  readonly undo?: boolean;
  readonly allowLostWork?: boolean;
}

/** Brings the state to another place; or takes the old place in use again. */
export async function migrate(io: Io, flags: MigrateFlags): Promise<ExitCode> {
  const { to, undo } = flags;
  if ((to === undefined) === (undo === undefined))
    throw usage(
      '--to LOCATION or --undo is required',
      'add --to LOCATION; or add --undo to use the old location again',
    );
  const settings = await loadSettings(io, flags);
  const here = await openState(io, flags, settings, flags.dryRun ? 'read' : 'write');
  const request = {
    actor: actor(io, 'state migrate'),
    lockTimeoutMs: flags.lockTimeout,
    dryRun: flags.dryRun === true,
  };
  const ports = { ...statePorts(io, flags), here };
  if (to === undefined) {
    const { state, movedTo } = await takeBack(
      { ...request, allowLostWork: flags.allowLostWork === true },
      ports,
    );
    io.stdout.write(takenBackText(here.location, state, movedTo.location, request.dryRun));
    return EXIT.done;
  }
  // The note that the state was moved must mean the same from every directory.
  const location = isUrl(to) ? to : absolute(io, to);
  const migratePorts: MigratePorts = {
    ...ports,
    openThere: () => openLocation(io, location, settings),
    refuseFaults: (store, snapshot) => refuseFaults(io, store, snapshot),
  };
  const risks = allowed(Object.keys(PUSH_RISKS) as PushRisk[], flags);
  const migration = await migrateState({ ...request, risks }, migratePorts);
  io.stdout.write(request.dryRun ? wouldMoveText(migration) : movedText(migration));
  return EXIT.done;
}

function wouldMoveText({ state, from, to, replaces }: Migration): string {
  const over = replaces === undefined ? '' : `, replacing serial ${replaces}`;
  return `Would copy ${contents(state)} from ${from}\nto ${to}${over}, read it back, and mark the old location as moved.\nNothing was changed: this was a dry run.\n`;
}

function movedText({ state, from, to, backup }: Migration): string {
  const before = backup === undefined ? '' : `Backup of the state that was there: ${backup}\n`;
  return `Moved ${contents(state)}\nfrom ${from}\nto ${to}, and read it back to verify the copy.\n${before}\nThe old location is marked as moved: vbsctl refuses to use it.\nNext: set state: ${to} in the config (or VBSCTL_STATE, or --state).\nTo move it back: vbsctl state migrate --state ${shellWord(to)} --to ${shellWord(from)}\n`;
}

function takenBackText(location: string, state: State, other: string, dryRun: boolean): string {
  return dryRun
    ? `Would use ${location} again: ${contents(state)}.\nNothing was changed: this was a dry run.\n`
    : `${location} is in use again: ${contents(state)}.\nMake sure that nobody uses ${sanitize(other)} any more.\n`;
}

function contents({ records, history, serial }: State): string {
  return `${plural(records.size, 'record')} and ${plural(history.length, 'history entry', 'history entries')} (serial ${serial})`;
}
