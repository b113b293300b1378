import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { Failure, refused } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import { isOpen, type RestoreRecord, statusWord } from '../domain/record.ts';
import { resolveCommand } from '../domain/resolve-command.ts';
import type { Address } from '../domain/spec.ts';
import type { Change, State } from '../domain/state.ts';
import { noRecord, requireRecord } from './addresses.ts';
import type { ChangeRequest, StatePorts } from './ports.ts';
import { noState } from './refusals.ts';
import { withState } from './with-lease.ts';

export interface Edited {
  /** The records before the change. */
  readonly records: readonly RestoreRecord[];
  /** The path of the backup; absent in a dry run. */
  readonly backup?: string;
}

/** Removes finished records. Their restores stay in the history, and so still count as done. */
export function removeRecords(
  addresses: readonly Address[],
  request: ChangeRequest,
  ports: StatePorts,
): Promise<Edited> {
  const unique = [...new Set(addresses)];
  return edit(request, ports, ({ records }) => {
    const problems = unique.flatMap((address) => removalProblem(address, records));
    if (problems.length > 0)
      throw new Failure(problems.every(({ code }) => code === 'no-record') ? 'usage' : 'refused', problems);
    return {
      changes: unique.map((address) => ({ type: 'removed', address })),
      records: unique.flatMap((address) => records.get(address) ?? []),
    };
  });
}

function removalProblem(address: Address, records: State['records']): Diagnostic[] {
  const record = records.get(address);
  if (!record) return [noRecord(address, records.keys())];
  if (!isOpen(record)) return [];
  return [
    error('record-open', `${address} is ${statusWord(record.status)}: its outcome is not known yet`, {
      detail: 'Without its record, vbsctl would not follow it and could start it again.',
      remedy:
        record.status === 'unknown'
          ? `find out what happened, then: ${resolveCommand(address)}`
          : `wait for its end: vbsctl wait ${shellOperand(address)}; or find out what happened, then: vbsctl resolve ${shellOperand(address)} --as …`,
      where: { address },
    }),
  ];
}

/** Renames a record. The new address need not be declared. */
export function renameRecord(
  from: Address,
  to: Address,
  request: ChangeRequest,
  ports: StatePorts,
): Promise<Edited> {
  return edit(request, ports, (state) => {
    const record = requireRecord(state, from);
    const occupant = state.records.get(to);
    if (occupant)
      throw refused(
        'address-taken',
        `${to} already has a record (${statusWord(occupant.status)})`,
        from === to
          ? 'use another address'
          : `move or remove that record first: vbsctl state rm ${shellOperand(to)}`,
      );
    return { changes: [{ type: 'moved', moves: [{ from, to }] }], records: [record] };
  });
}

interface Edit {
  readonly changes: readonly Change[];
  readonly records: readonly RestoreRecord[];
}

function edit(request: ChangeRequest, ports: StatePorts, decide: (state: State) => Edit): Promise<Edited> {
  const { backend } = ports;
  return withState(ports, request, async (snapshot, lease) => {
    if (!snapshot) throw noState(backend);
    const { changes, records } = decide(snapshot.state);
    if (!lease) return { records };
    const backup = await ports.backUp(backend, snapshot);
    await lease.commit(changes);
    return { records, backup };
  });
}
