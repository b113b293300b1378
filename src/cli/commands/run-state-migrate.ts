import { type Migration, migrate as migrateState, undoMigration } from '../../app/migrate.ts';
import { EXIT, type ExitCode, usage } from '../../domain/errors.ts';
import { shellWord } from '../../domain/escape/shell-word.ts';
import { isUrl } from '../../domain/shown-location.ts';
import type { State } from '../../domain/state.ts';
import { sanitize } from '../../views/terminal.ts';
import { plural } from '../../views/words.ts';
import { loadContext } from '../context.ts';
import type { Io } from '../io.ts';
import { openLocation, openUncheckedState } from '../open-state.ts';
import { acceptedPushRisks } from '../options/shared.ts';
import { type ChangeFlags, changeRequest, NOTHING_CHANGED, statePorts, stateUse } from '../state-change.ts';
import { refuseFaults } from '../state-check.ts';
import { absolute } from '../user-paths.ts';

export interface MigrateFlags extends ChangeFlags {
  readonly to?: string;
  readonly undo?: boolean;
  readonly allowLostWork?: boolean;
}

export async function migrate(io: Io, flags: MigrateFlags): Promise<ExitCode> {
  const { to, undo } = flags;
  if ((to === undefined) === (undo === undefined))
    throw usage(
      '--to LOCATION or --undo is required',
      'add --to LOCATION; or add --undo to use the old location again',
    );
  const context = await loadContext(io, flags);
  const backend = await openUncheckedState(context, stateUse(flags));
  const request = changeRequest(io, 'state migrate', flags);
  const ports = statePorts(io, flags, backend);
  if (to === undefined) {
    const allowLostWork = flags.allowLostWork === true;
    const { state, movedTo } = await undoMigration({ ...request, allowLostWork }, ports);
    io.stdout.write(undoneText(backend.location, state, movedTo.location, request.dryRun));
    return EXIT.done;
  }
  // The mark in the old state names the new location, and must mean the same from every directory.
  const location = isUrl(to) ? to : absolute(io, to);
  const migration = await migrateState(
    { ...request, risks: acceptedPushRisks(flags) },
    {
      ...ports,
      openTarget: () => openLocation(context, location),
      refuseFaults: (source, snapshot) => refuseFaults(context, source, snapshot),
    },
  );
  io.stdout.write(request.dryRun ? wouldMigrateText(migration) : migratedText(migration));
  return EXIT.done;
}

function wouldMigrateText({ state, from, to, replaces }: Migration): string {
  const over = replaces === undefined ? '' : `, replacing serial ${replaces}`;
  return `Would copy ${contents(state)} from ${from}\nto ${to}${over}, read it back, and mark the old location as migrated.\n${NOTHING_CHANGED}`;
}

function migratedText({ state, from, to, backup }: Migration): string {
  const before = backup === undefined ? '' : `Backup of the state that was there: ${backup}\n`;
  return `Migrated ${contents(state)}\nfrom ${from}\nto ${to}, and read it back to verify the copy.\n${before}\nThe old location is marked as migrated: vbsctl refuses to use it.\nNext: set state: ${to} in the config (or VBSCTL_STATE, or --state).\nTo migrate it back: vbsctl state migrate --state ${shellWord(to)} --to ${shellWord(from)}\n`;
}

function undoneText(location: string, state: State, other: string, dryRun: boolean): string {
  return dryRun
    ? `Would use ${location} again: ${contents(state)}.\n${NOTHING_CHANGED}`
    : `${location} is in use again: ${contents(state)}.\nMake sure that nobody uses ${sanitize(other)} any more.\n`;
}

function contents({ records, history, serial }: State): string {
  return `${plural(records.size, 'record')} and ${plural(history.length, 'history entry', 'history entries')} (serial ${serial})`;
}
