import { noRecord } from '../../app/addresses.ts';
import { noState } from '../../app/no-state.ts';
import { type Diagnostic, error } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../../domain/errors.ts';
import { shellOperand } from '../../domain/escape/shell-word.ts';
import { isOpen, statusWord } from '../../domain/record.ts';
import { resolveCommand } from '../../domain/resolve-command.ts';
import { type Address, NAME_PATTERN } from '../../domain/spec.ts';
import type { Change, State } from '../../domain/state.ts';
import { outcomeText } from '../../views/record-text.ts';
import { sanitize } from '../../views/terminal.ts';
import type { Io } from '../io.ts';
import type { CommonFlags } from '../options/shared.ts';
import { actor, backend, loadSettings } from '../setup.ts';
import { backUp } from '../state-backup.ts';

export interface EditFlags extends CommonFlags {
  readonly dryRun?: boolean;
  readonly backup?: string;
  readonly lockTimeout: number;
}

/**
 * Tidies records away. What was done stays in the history, and so it stays done: a manifest that declares it is
 * not restored again.
 */
export async function rm(io: Io, addresses: readonly Address[], flags: EditFlags): Promise<ExitCode> {
  const wanted = [...new Set(addresses)];
  return await edit(io, 'state rm', flags, ({ records }) => {
    const problems = wanted.flatMap((address) => removalProblem(address, records));
    if (problems.length > 0)
      throw new Failure(problems.every(({ code }) => code === 'no-record') ? 'usage' : 'refused', problems);
    return {
      changes: wanted.map((address) => ({ type: 'removed', address })),
      told: wanted.flatMap((address) => {
        const record = records.get(address);
        return record ? [`${sanitize(address)}  ${outcomeText(record)}`] : [];
      }),
      done: 'Removed. The history keeps what was done, so it is not restored again: vbsctl state history',
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

const ADDRESS = new RegExp(`^${NAME_PATTERN}/${NAME_PATTERN}$`);

/** Renames a record; the new address need not be declared anywhere. */
export async function mv(io: Io, from: Address, to: Address, flags: EditFlags): Promise<ExitCode> {
  if (!ADDRESS.test(to))
    throw Failure.of('usage', 'address', `${to} is not an address`, {
      remedy: 'write set/name: lower-case letters, digits and dashes, at most 63 each',
    });
  return await edit(io, 'state mv', flags, ({ records }) => {
    const record = records.get(from);
    if (!record) throw new Failure('usage', noRecord(from, records.keys()));
    const occupant = records.get(to);
    if (occupant)
      throw Failure.of('refused', 'address-taken', `${to} already has a record: ${outcomeText(occupant)}`, {
        remedy:
          from === to
            ? 'use another address'
            : `move or remove that record first: vbsctl state rm ${shellOperand(to)}`,
        where: { address: to },
      });
    return {
      changes: [{ type: 'moved', moves: [{ from, to }] }],
      told: [`${sanitize(from)} → ${to}  ${outcomeText(record)}`],
      done: `Renamed. Also rename the restore in the manifest: the next apply moves the record to the declared name.`,
    };
  });
}

interface Edit {
  readonly changes: readonly Change[];
  /** A line for each, sanitized. */
  readonly told: readonly string[];
  readonly done: string;
}

/** Shows what changes; then, unless it is a dry run, backs the state up and changes it. */
async function edit(
  io: Io,
  operation: string,
  flags: EditFlags,
  decide: (state: State) => Edit,
): Promise<ExitCode> {
  const store = await backend(io, flags, await loadSettings(io, flags), flags.dryRun ? 'read' : 'write');
  if (flags.dryRun) {
    const state = await store.read();
    if (!state) throw noState(store);
    io.stdout.write(`${decide(state).told.join('\n')}\n\nNothing was changed: this was a dry run.\n`);
    return EXIT.done;
  }
  const lease = await store.lock(actor(io, operation), flags.lockTimeout, io.stop);
  try {
    const snapshot = lease.snapshot();
    if (!snapshot) throw noState(store);
    const { changes, told, done } = decide(snapshot.state);
    const backup = await backUp(io, store.location, snapshot, flags.backup);
    await lease.commit(changes);
    io.stdout.write(`${told.join('\n')}\n\n${done}\nBackup of the previous state: ${backup}\n`);
    return EXIT.done;
  } finally {
    await lease.release();
  }
}
