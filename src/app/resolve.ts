import { Failure } from '../domain/errors.ts';
import type { Resolution, RestoreRecord } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import { resolveRecord } from '../executor/resolve-record.ts';
import type { RunSettings } from '../executor/run.ts';
import { noRecord } from './addresses.ts';
import { noState } from './no-state.ts';
import type { LockRequest, Ports } from './ports.ts';
import { refuseOtherProject } from './refuse-other-project.ts';
import { withConnection } from './with-connection.ts';
import { withLease } from './with-lease.ts';

export interface ResolveRequest extends LockRequest {
  readonly address: Address;
  readonly decision: Pick<Resolution, 'as' | 'reason' | 'by'>;
  readonly settings: Pick<RunSettings, 'poll' | 'retry'>;
}

export interface Resolved {
  readonly record: RestoreRecord;
  readonly state: State | undefined;
}

/** Records what a person found out about a restore, unless the cloud shows otherwise. */
export function resolve(request: ResolveRequest, ports: Ports): Promise<Resolved> {
  const { address, decision, settings } = request;
  const { store, stop, clock } = ports;
  return withConnection(ports, ({ driver }) =>
    withLease(store, request, stop, async (lease) => {
      const state = lease.state();
      if (!state) throw noState(store);
      refuseOtherProject(state, driver.target);
      const record = state.records.get(address);
      if (!record) throw new Failure('usage', noRecord(address, state.records.keys()));
      const resolved = await resolveRecord(lease, driver, clock, record, decision, {
        settings,
        tell: (note) => ports.tell([note]),
        stop,
      });
      return { record: resolved, state: lease.state() };
    }),
  );
}
