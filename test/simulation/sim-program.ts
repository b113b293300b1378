import { createHash } from 'node:crypto';
import { apply } from '../../src/app/apply.ts';
import { applySaved } from '../../src/app/apply-saved.ts';
import { makePlan } from '../../src/app/make-plan.ts';
import type { LockRequest, Ports, RunPorts } from '../../src/app/ports.ts';
import { waitForRestores } from '../../src/app/wait.ts';
import { withLease } from '../../src/app/with-lease.ts';
import { runSync } from '../../src/domain/chunked-work.ts';
import { Failure } from '../../src/domain/errors.ts';
import type { ApplyEvent } from '../../src/domain/events.ts';
import { isRunnable, type Plan } from '../../src/domain/plan.ts';
import type { SavedPlan } from '../../src/domain/saved-plan.ts';
import type { State } from '../../src/domain/state.ts';
import type { ExecutionOutcome } from '../../src/executor/execute.ts';
import { save } from '../../src/planner/save.ts';
import type { Backend, Lease } from '../../src/state/backend.ts';
import { stateFaults } from '../../src/state/state-faults.ts';
import { encodeUnsaved } from '../../src/state/unsaved-codec.ts';
import type { Environment } from './environment.ts';
import type { ObservedNetwork } from './observed-network.ts';
import type { Step } from './scenario.ts';
import type { SimProcess } from './sim-process.ts';
import { stackOf } from './stack-of.ts';
import { STATE } from './state-store.ts';

/** The real program but its command line: the use cases of `src/app`, with ports of the environment. */
export class SimProgram {
  readonly #environment: Environment;
  readonly #observedNetwork: ObservedNetwork;
  #saved: SavedPlan | undefined;

  constructor(environment: Environment, observedNetwork: ObservedNetwork) {
    this.#environment = environment;
    this.#observedNetwork = observedNetwork;
  }

  /** One command of vbsctl, as its command line would do it. Never rejects: what it may not throw is a finding. */
  async command(
    process: SimProcess,
    command: Step['command'],
    lockTimeoutMs = 0,
    seen: (made: Plan) => void = () => {},
  ): Promise<void> {
    try {
      await this.#useCase(process, command, lockTimeoutMs, seen);
    } catch (error) {
      const asked = process.stop.signal.aborted && error === process.stop.signal.reason;
      if (!(error instanceof Failure) && !asked)
        this.#environment.checker.found('bug', `${process.name}: ${stackOf(error)}`);
      this.#environment.checker.lease?.gaveUp(process.name, String(error));
      this.#environment.note(`${process.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #useCase(
    process: SimProcess,
    command: Step['command'],
    lockTimeoutMs: number,
    seen: (made: Plan) => void,
  ): Promise<void> {
    const request = { ...this.lockRequest(command), lockTimeoutMs };
    const settings = { ...this.#environment.settings, policy: this.#environment.policy };
    const terms = { ...request, skipBlocked: true, waivers: [], settings };
    const ports = this.#runPorts(process);
    switch (command) {
      case 'apply':
      case 'submit':
        await apply(
          {
            ...terms,
            mode: command === 'submit' ? 'no_wait' : 'finish',
            declared: { specs: this.#environment.manifest.specs(), files: [], only: [] },
          },
          {
            ...ports,
            confirmNewState: async () => {},
            confirm: async () => {},
            showPlan: (made) => {
              if (this.#environment.store.isHeldBy(process)) this.#environment.checker.shown(made);
              seen(made);
            },
          },
        );
        return;
      case 'saved': {
        this.#saved ??= await this.#savePlan(process, request);
        const saved = this.#saved;
        await applySaved(
          { ...terms, mode: 'finish', saved, signed: { kind: 'unsigned' }, manifests: [] },
          { ...ports, sha256, showPlan: seen },
        );
        return;
      }
      case 'wait':
        await waitForRestores({ ...request, addresses: [], settings }, ports);
        return;
      default:
        command satisfies never;
    }
  }

  /** `vbsctl init`, where there is no state yet, and `vbsctl plan --out`. */
  async #savePlan(process: SimProcess, request: LockRequest): Promise<SavedPlan> {
    const ports = this.ports(process);
    const { driver } = await ports.connect();
    const state =
      (await ports.backend.read()) ??
      (await withLease(ports.backend, request, ports.stop, async (lease) => lease.create(driver.target)));
    const wanted = {
      specs: this.#environment.manifest.specs(),
      files: [],
      policy: this.#environment.policy,
      only: [],
      waivers: [],
    };
    const made = await makePlan(wanted, { state, driver, clock: process.clock });
    return save(made, { ...wanted, state, selection: [] }, sha256);
  }

  lockRequest(operation: string): LockRequest {
    return { actor: { who: 'sim', operation, version: 'test' }, lockTimeoutMs: 0 };
  }

  ports(process: SimProcess): Ports {
    return {
      backend: this.#backend(process),
      connect: async () => ({ driver: await this.#observedNetwork.connect(process), close: async () => {} }),
      clock: process.clock,
      stop: process.stop.signal,
      report: () => {},
    };
  }

  #runPorts(process: SimProcess): RunPorts {
    return {
      ...this.ports(process),
      random: () => this.#environment.random.next(),
      beginRun: async (made) => {
        const runnable = made.actions.filter(isRunnable);
        this.#environment.checker.planned(
          process.name,
          runnable.map((action) => ({
            volume_id: action.volume.id ?? '',
            backup_id: action.backup.id ?? '',
            size: action.kind === 'restore' ? action.volume.size : undefined,
            depends_on: action.kind === 'restore' ? action.depends_on : [],
          })),
        );
        this.#environment.coverage.planned(made);
        return {
          handle: (event) => this.#told(process, event),
          end: async ({ outcome, state }) => {
            this.#leftBehind(process, state, outcome);
            this.#leaseEnds(process, outcome);
            this.#ended(
              process,
              runnable.map(({ address }) => address),
              outcome,
            );
          },
        };
      },
    };
  }

  #leaseEnds(process: SimProcess, { fatal }: ExecutionOutcome): void {
    const where = this.#environment.frozenAt.get(process);
    if (where === undefined) return;
    const left = (fatal?.unsaved.length ?? 0) > 0;
    const lost = fatal ? (left ? 'refused and left' : 'refused') : 'given up';
    this.#environment.coverage.lease(where, this.#environment.store.isHeldBy(process) ? 'kept' : lost);
  }

  /** `errored.state.json`, as the command line writes it. */
  #leftBehind(process: SimProcess, state: State | undefined, { fatal }: ExecutionOutcome): void {
    if (!fatal || !state) return;
    const { lineage, serial, target } = state;
    const saved_at = new Date(process.clock.now()).toISOString();
    this.#environment.checker.leftBehind(
      process.name,
      encodeUnsaved({ state: STATE, lineage, serial, target, saved_at, records: fatal.unsaved }),
    );
  }

  #ended(process: SimProcess, planned: readonly string[], outcome: ExecutionOutcome): void {
    const { ends, fatal } = outcome;
    if (fatal && !(fatal.error instanceof Failure))
      this.#environment.checker.found('bug', `${process.name}: ${stackOf(fatal.error)}`);
    this.#environment.checker.ended(
      process.name,
      planned,
      [...ends].map(([address, end]) => ({
        address,
        status: end.kind === 'recorded' ? end.record.status : undefined,
      })),
      fatal !== undefined || !this.#environment.store.isHeldBy(process),
      process.stop.signal.aborted,
    );
    if (fatal) this.#environment.checker.lease?.gaveUp(process.name, String(fatal.error));
    this.#environment.note(
      `${process.name} ended: ${[...ends]
        .map(
          ([address, end]) =>
            `${address} ${end.kind === 'not_started' ? end.code : end.kind === 'blocked' ? end.kind : end.record.status}${end.kind === 'unsaved' ? ' (unsaved)' : ''}`,
        )
        .join(', ')}${fatal ? ' (state not writable)' : ''}`,
    );
  }

  #told(process: SimProcess, event: ApplyEvent): void {
    if (process.isDead) return;
    this.#environment.coverage.event(event);
    const { processRules } = this.#environment.checker;
    if (event.type === 'preparing')
      processRules.begun(process.name, event.address, this.#environment.clock.monotonic());
    if (event.type === 'ended')
      processRules.ended(process.name, event.address, this.#environment.clock.monotonic());
    if ('address' in event) this.#environment.note(`${process.name}: ${textOf(event)}`);
  }

  /** Its leases are checked, and overheard. */
  #backend(process: SimProcess): Backend {
    const backend = this.#environment.store.backend(process);
    return {
      location: STATE,
      id: STATE,
      read: () => backend.read(),
      snapshot: () => backend.snapshot(),
      holder: () => backend.holder(),
      unlock: (id) => backend.unlock(id),
      lock: async (actor, waitMs, signal) => {
        const lease = await backend.lock(actor, waitMs, signal);
        mustVerify(lease);
        this.#environment.checker.processRules.locked(process.name, this.#environment.clock.monotonic());
        const rules = this.#environment.checker.lease;
        rules?.begins(process.name);
        return rules
          ? overheard(lease, () => {
              const since = this.#environment.clock.monotonic();
              return {
                acknowledged: () => rules.acknowledged(process.name, since),
                refused: () => rules.refused(process.name, this.#environment.clock.monotonic()),
              };
            })
          : lease;
      },
    };
  }
}

/** No scenario may lead to a state that vbsctl itself would refuse: nobody tampers with it here. */
function mustVerify(lease: Lease): void {
  const snapshot = lease.snapshot();
  const faults = snapshot ? runSync(stateFaults(snapshot, {})) : [];
  if (faults.length > 0) throw new Error(`the state would be refused: ${JSON.stringify(faults)}`);
}

/** The same lease; `asked` is called with each commit, and what it returns when that has ended. */
function overheard(
  lease: Lease,
  asked: () => { readonly acknowledged: () => void; readonly refused: () => void },
): Lease {
  return {
    lock: lease.lock,
    state: () => lease.state(),
    snapshot: () => lease.snapshot(),
    create: (target) => lease.create(target),
    replace: (snapshot) => lease.replace(snapshot),
    commit: async (changes) => {
      const heard = asked();
      await lease.commit(changes).catch((error) => {
        heard.refused();
        throw error;
      });
      heard.acknowledged();
    },
    get failure() {
      return lease.failure;
    },
    release: () => lease.release(),
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function textOf(event: ApplyEvent): string {
  const { at, ...rest } = event;
  return JSON.stringify(rest, (key, value) => (key === 'end' || key === 'failure' ? undefined : value));
}
