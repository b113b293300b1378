import { type Diagnostic, warning } from '../domain/diagnostic.ts';
import { refused } from '../domain/errors.ts';
import { apiOf, type Resolution, type RestoreRecord } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import type { Driver } from '../drivers/driver.ts';
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
  /** Whether the user chose the API of this command, so that it may be another than that of the restore. */
  readonly apiChosen: boolean;
}

interface ResolvedRecord {
  readonly record: RestoreRecord;
  readonly state: State | undefined;
}

/** Another API cannot be asked what became of the restore. Only a user who has none but that may decide without. */
function otherApiWarning(record: RestoreRecord, { api }: Driver, apiChosen: boolean): Diagnostic[] {
  const own = apiOf(record);
  if (own === undefined || own === api) return [];
  const sent = `${record.address} was sent with api: ${own}, and this command has api: ${api}`;
  if (!apiChosen)
    throw refused(
      'other-api',
      `${sent}, from a config that was found`,
      `use api: ${own}; if that API is gone, name the config: --config FILE`,
    );
  return [warning('other-api', `${sent}, which cannot tell what became of it`)];
}

/** Records what an operator found out about a restore, unless the cloud contradicts it. */
export function resolveRestore(request: ResolveRequest, ports: Ports): Promise<ResolvedRecord> {
  const { address, decision, settings, apiChosen } = request;
  const { backend, stop, clock } = ports;
  return withLeaseAndConnection(ports, request, async (lease, { driver }) => {
    const state = lease.state();
    if (!state) throw noState(backend);
    refuseOtherProject(state, driver.target);
    const record = requireRecord(state, address);
    ports.report(otherApiWarning(record, driver, apiChosen));
    const resolved = await resolveRecord(lease, driver, clock, record, decision, {
      settings,
      report: (note) => ports.report([note]),
      stop,
    });
    return { record: resolved, state: lease.state() };
  });
}
