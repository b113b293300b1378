import { Failure, refused, unreachable } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import type { Action } from '../domain/plan.ts';
import { statusWord } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import { type ImportedRestore, type ImportProof, importRestore } from '../executor/import-restore.ts';
import { makePlan, type PlanRequest } from './make-plan.ts';
import type { LockRequest, Ports } from './ports.ts';
import { noState } from './refusals.ts';
import { withLeaseAndConnection } from './with-lease.ts';

interface ImportRequest extends LockRequest {
  readonly address: Address;
  readonly declared: Pick<PlanRequest, 'specs' | 'files'>;
  readonly proof: ImportProof;
}

/** Records that a declared restore was done without vbsctl. */
export function importByHand(request: ImportRequest, ports: Ports): Promise<void> {
  const { address, declared, proof } = request;
  const { backend, clock } = ports;
  return withLeaseAndConnection(ports, request, async (lease, { driver }) => {
    const state = lease.state();
    if (!state) throw noState(backend);
    const plan = await makePlan(
      {
        ...declared,
        // The restore is already done, so no policy can prevent it.
        policy: { protected_volumes: [] },
        only: [address],
        waivers: ['protected-restores'],
      },
      { state, driver, clock },
    );
    const action = plan.actions.find((one) => one.address === address);
    if (!action) throw new Error(`${address} was not planned`);
    const protect = declared.specs.find((spec) => spec.address === address)?.protect || undefined;
    const open = { ...importable(action), ...optional('protect', protect) };
    if (plan.moves.length > 0) await lease.commit([{ type: 'moved', moves: plan.moves }]);
    await importRestore(lease, driver, clock, open, proof);
  });
}

function importable(action: Action): Omit<ImportedRestore, 'protect'> {
  const { address, generation, volume, backup } = action;
  switch (action.kind) {
    case 'restore':
      return { address, generation, volume: action.volume, backup: action.backup };
    case 'expired':
      if (volume.id === undefined || backup.id === undefined)
        throw refused(
          'not-found',
          `${address} expired at ${action.valid_until}, and its disk or backup is not found`,
          'raise valid_until to see why: vbsctl plan',
        );
      return {
        address,
        generation,
        volume: { ...volume, id: volume.id },
        backup: { ...backup, id: backup.id },
      };
    case 'noop':
      throw refused(
        'already-done',
        `${action.address} is recorded as done at ${action.done_at}`,
        'to restore it again, raise generation in the manifest',
      );
    case 'resume':
      throw refused(
        'under-way',
        `${action.address} is ${statusWord(action.record.status)}: vbsctl started it`,
        'finish it: vbsctl apply',
      );
    case 'blocked':
      throw new Failure(
        'refused',
        action.reasons.map((reason) => ({ ...reason, where: { address: action.address } })),
      );
    default:
      return unreachable(action);
  }
}
