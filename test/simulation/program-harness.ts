import { type ApplyPorts, apply } from '../../src/app/apply.ts';
import { makePlan } from '../../src/app/make-plan.ts';
import { waitForRestores } from '../../src/app/wait.ts';
import { DEFAULT_CONFIG, type Policy } from '../../src/domain/config.ts';
import type { ApplyEvent } from '../../src/domain/events.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { Waiver } from '../../src/domain/policy.ts';
import { addressOf, type RestoreSpec } from '../../src/domain/spec.ts';
import type { State } from '../../src/domain/state.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { type Audit, auditOf } from '../../src/emulator/audit.ts';
import { type FaultRule, startPlan } from '../../src/emulator/faults.ts';
import type { World } from '../../src/emulator/model.ts';
import type { OperatorAction } from '../../src/emulator/operator.ts';
import { seedWorld } from '../../src/emulator/seed.ts';
import type { ExecutionOutcome } from '../../src/executor/execute.ts';
import type { RunMode, RunSettings } from '../../src/executor/run.ts';
import type { Backend } from '../../src/state/backend.ts';
import type { Disk } from '../../src/state/local/disk.ts';
import { localBackend } from '../../src/state/local/local-backend.ts';
import { MemoryDisk } from './memory-disk.ts';
import { MemoryLock } from './memory-lock.ts';
import { SIM_EPOCH, type SimClock } from './sim-clock.ts';
import { SimCloud } from './sim-cloud.ts';
import { SimNetwork } from './sim-network.ts';

export interface HarnessOptions {
  readonly volumes?: number;
  readonly jobDurationMs?: number;
  readonly queueMs?: number;
  readonly tokenTtlMs?: number;
  /** Default `vbs`. */
  readonly api?: 'vbs' | 'cinder';
  readonly settings?: Partial<RunSettings>;
  readonly faults?: FaultRule[];
}

/**
 * The whole program but its command line: real planner, executor, driver, classification and state,
 * over a cloud, a network, a disk and a clock that the test owns.
 */
export class ProgramHarness {
  readonly clock: SimClock;
  readonly world: World;
  readonly network: SimNetwork;
  readonly disk = new MemoryDisk();
  readonly settings: RunSettings;
  readonly events: ApplyEvent[] = [];
  readonly #cloud: SimCloud;
  readonly #api: 'vbs' | 'cinder';

  constructor(options: HarnessOptions = {}) {
    this.#api = options.api ?? 'vbs';
    this.#cloud = new SimCloud(
      seedWorld({
        now: SIM_EPOCH,
        volumes: options.volumes ?? 4,
        jobDurationMs: options.jobDurationMs ?? 10_000,
        queueMs: options.queueMs ?? 0,
        tokenTtlMs: options.tokenTtlMs ?? 3_600_000,
      }),
    );
    this.clock = this.#cloud.clock;
    this.world = this.#cloud.world;
    this.world.faults = startPlan({ rules: options.faults ?? [] });
    this.network = new SimNetwork(this.world, this.clock);
    this.settings = { ...DEFAULT_CONFIG, ...options.settings };
  }

  /** A declared restore of the n-th disk (from 0) from its newest own backup, or its k-th. */
  spec(n: number, more: Partial<RestoreSpec> & { readonly backup_number?: number } = {}): RestoreSpec {
    const { backup_number = 0, ...rest } = more;
    const volume = Object.values(this.world.volumes)[n];
    if (!volume) throw new Error(`the world has no disk ${n}`);
    const backup = Object.values(this.world.backups).filter((b) => b.volume_id === volume.id)[backup_number];
    if (!backup) throw new Error(`disk ${n} has no backup ${backup_number}`);
    const name = rest.name ?? `disk-${n}`;
    const set = rest.set ?? 'set';
    return {
      set,
      name,
      address: addressOf(set, name),
      labels: {},
      volume: { by: 'id', id: volume.id },
      backup: { by: 'id', id: backup.id },
      generation: 1,
      expect: {},
      depends_on: [],
      source: { file: 'restores.yaml', line: 1 },
      ...rest,
    };
  }

  backend(disk: Disk = this.disk): Backend {
    return localBackend({
      path: '/state',
      disk,
      clock: this.clock,
      lock: new MemoryLock(),
      newId: () => this.#cloud.newId('lineage'),
    });
  }

  connect(): Promise<Driver> {
    const { settings, clock, network } = this;
    return this.#cloud.connect({ api: this.#api, settings, clock, random: () => 0.5, network });
  }

  /** One `vbsctl plan`. */
  async plan(specs: readonly RestoreSpec[]): Promise<Plan> {
    return this.clock.until(this.planning(specs));
  }

  /** The same, for a test that does something meanwhile. */
  async planning(specs: readonly RestoreSpec[]): Promise<Plan> {
    const { policy } = this.settings;
    const [driver, state] = [await this.connect(), await this.backend().read()];
    return makePlan(
      { specs, files: [], policy, only: [], waivers: [] },
      { state, driver, clock: this.clock },
    );
  }

  /** One `vbsctl apply`, from connecting to releasing the lock; with `follow`, one `vbsctl wait`. */
  async apply(specs: readonly RestoreSpec[], more: ApplyOptions = {}): Promise<Applied> {
    return this.clock.until(this.applying(specs, more));
  }

  /** The same, for a test that does something meanwhile. */
  async applying(specs: readonly RestoreSpec[], more: ApplyOptions = {}): Promise<Applied> {
    const { mode = 'finish', policy = this.settings.policy, waivers = [] } = more;
    const request = {
      actor: { who: 'test@lab', operation: 'apply', version: 'test' },
      lockTimeoutMs: 0,
      settings: { ...this.settings, ...more.settings, policy },
    };
    let ran: Applied | undefined;
    const ports: ApplyPorts = {
      backend: more.backend ?? this.backend(more.disk),
      connect: async () => ({ driver: await this.connect(), close: async () => {} }),
      clock: this.clock,
      stop: more.stop ?? new AbortController().signal,
      report: () => {},
      random: () => 0.5,
      beginRun: async () => ({
        handle: (event) => {
          this.events.push(event);
          more.onEvent?.(event);
        },
        end: async (run) => {
          ran = run;
        },
      }),
      confirmNewState: async () => {},
      showPlan: () => {},
      confirm: async () => {},
    };
    if (mode === 'follow') await waitForRestores({ ...request, addresses: [] }, ports);
    else {
      const declared = { specs, files: [], only: [] };
      await apply({ ...request, declared, mode, skipBlocked: true, waivers }, ports);
    }
    if (!ran) throw new Error('there was nothing to do');
    return ran;
  }

  state(): Promise<State | undefined> {
    return this.clock.until(this.backend().read());
  }

  audit(): Audit {
    this.#cloud.advance();
    return auditOf(this.world, {});
  }

  /** Starts that the cloud took on for the n-th disk, whoever was told. */
  starts(n: number): number {
    const volume = Object.values(this.world.volumes)[n];
    return this.audit().restores.filter((restore) => restore.volume_id === volume?.id).length;
  }

  operate(action: OperatorAction): void {
    this.#cloud.operate(action);
  }
}

export interface ApplyOptions {
  readonly disk?: Disk;
  /** In place of the harness's own. */
  readonly backend?: Backend;
  readonly stop?: AbortSignal;
  readonly mode?: RunMode;
  /** In place of the harness's own, for this run. */
  readonly policy?: Policy;
  readonly settings?: Pick<RunSettings, 'retry'>;
  readonly waivers?: readonly Waiver[];
  readonly onEvent?: (event: ApplyEvent) => void;
}

export interface Applied {
  readonly plan: Plan;
  readonly outcome: ExecutionOutcome;
}
