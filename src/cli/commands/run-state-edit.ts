import { acceptState } from '../../app/accept-state.ts';
import { type Edited, removeRecords, renameRecord } from '../../app/edit-records.ts';
import type { ChangeRequest, StatePorts } from '../../app/ports.ts';
import { EXIT, type ExitCode, unreachable, usage } from '../../domain/errors.ts';
import { shellWord } from '../../domain/escape/shell-word.ts';
import type { RestoreRecord } from '../../domain/record.ts';
import { ADDRESS, type Address } from '../../domain/spec.ts';
import { outcomeText } from '../../views/record-text.ts';
import { sanitize } from '../../views/terminal.ts';
import { confirm } from '../confirm.ts';
import { loadContext } from '../context.ts';
import type { Io } from '../io.ts';
import { openState, openUncheckedState } from '../open-state.ts';
import {
  backupText,
  type ChangeFlags,
  changeRequest,
  NOTHING_CHANGED,
  statePorts,
  stateUse,
} from '../state-change.ts';
import { faultsOf, refuseBelowMinimum, warnOfFaults } from '../state-check.ts';

export function rm(io: Io, addresses: readonly Address[], flags: ChangeFlags): Promise<ExitCode> {
  return edit(
    io,
    'state rm',
    flags,
    (request, ports) => removeRecords(addresses, request, ports),
    ({ address }) => sanitize(address),
    'Removed. The history keeps what was done, so it is not restored again: vbsctl state history',
  );
}

export async function mv(io: Io, from: Address, to: Address, flags: ChangeFlags): Promise<ExitCode> {
  if (!ADDRESS.test(to))
    throw usage(
      `${to} is not an address`,
      'write set/name: lower-case letters, digits and dashes, at most 63 each',
    );
  return await edit(
    io,
    'state mv',
    flags,
    (request, ports) => renameRecord(from, to, request, ports),
    () => `${sanitize(from)} → ${to}`,
    'Renamed. Also rename the restore in the manifest: the next apply moves the record to the declared name.',
  );
}

async function edit(
  io: Io,
  operation: string,
  flags: ChangeFlags,
  change: (request: ChangeRequest, ports: StatePorts) => Promise<Edited>,
  label: (record: RestoreRecord) => string,
  done: string,
): Promise<ExitCode> {
  const backend = await openState(await loadContext(io, flags), stateUse(flags));
  const { records, backup } = await change(
    changeRequest(io, operation, flags),
    statePorts(io, flags, backend),
  );
  const lines = records.map((record) => `${label(record)}  ${outcomeText(record)}\n`).join('');
  io.stdout.write(`${lines}\n${backup === undefined ? NOTHING_CHANGED : `${done}\n${backupText(backup)}`}`);
  return EXIT.done;
}

export interface AcceptFlags extends ChangeFlags {
  readonly reason: string;
  readonly autoApprove?: boolean;
}

export async function accept(io: Io, flags: AcceptFlags): Promise<ExitCode> {
  const { reason } = flags;
  if (reason.trim() === '') throw usage('--reason is empty', 'say why this state can be relied on');
  const context = await loadContext(io, flags);
  const backend = await openUncheckedState(context, stateUse(flags));
  const { location } = backend;
  const accepted = await acceptState(
    { ...changeRequest(io, 'state accept', flags), reason },
    {
      ...statePorts(io, flags, backend),
      async showFaults(snapshot) {
        refuseBelowMinimum(io, flags, snapshot, location);
        const faults = await faultsOf(io, backend, snapshot);
        warnOfFaults(io, location, snapshot, faults);
        return faults;
      },
      confirm: async () => {
        if (flags.autoApprove) return;
        await confirm(
          io,
          'Continue with this state as it is? Declared restores that it does not record are run again.',
          `read what is wrong (above), then: vbsctl state accept --state ${shellWord(location)} --reason "…" --auto-approve`,
        );
      },
    },
  );
  switch (accepted.kind) {
    case 'no_faults':
      io.stdout.write(
        `Nothing to accept: the history is valid, and this machine has seen no serial above ${accepted.serial}.\n`,
      );
      return EXIT.done;
    case 'would_accept':
      io.stdout.write(NOTHING_CHANGED);
      return EXIT.done;
    case 'accepted':
      io.stdout.write(
        `Accepted ${location} as it is; it continues as serial ${accepted.serial}.\n` +
          `The history has who accepted it, when and why: vbsctl state history\n${backupText(accepted.backup)}`,
      );
      return EXIT.done;
    default:
      return unreachable(accepted);
  }
}
