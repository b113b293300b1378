import type { Resolution, RestoreRecord } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import { resolveRecord } from '../executor/resolve-record.ts';
import type { RunSettings } from '../executor/run.ts';
import { requireRecord } from './addresses.ts';
import type { LockRequest, Ports } from './ports.ts';
import { noState, refuseOtherProject } from './refusals.ts';
import { withLeaseAndConnection } from './with-lease.ts';

interface ResolveRequest extends LockRequest {
  readonly address: Address;
  readonly decision: Pick<Resolution, 'as' | 'reason' | 'by'>;
  readonly settings: Pick<RunSettings, 'poll' | 'retry'>;
}

interface ResolvedRecord {
  readonly record: RestoreRecord;
  readonly state: State | undefined;
}

/** Records what an operator found out about a restore, unless the cloud contradicts it. */
export function resolveRestore(request: ResolveRequest, ports: Ports): Promise<ResolvedRecord> {
  const { address, decision, settings } = request;
  const { backend, stop, clock } = ports;
  return withLeaseAndConnection(ports, request, async (lease, { driver }) => {
    const state = lease.state();
    if (!state) throw noState(backend);
    refuseOtherProject(state, driver.target);
    const record = requireRecord(state, address);
    const resolved = await resolveRecord(lease, driver, clock, record, decision, {
      settings,
      report: (note) => ports.report([note]),
      stop,
    });
    return { record: resolved, state: lease.state() };
  });
}
