import { observe } from '../../src/app/observe.ts';
import { DEFAULT_CONFIG, type Policy } from '../../src/domain/config.ts';
import type { ApplyEvent } from '../../src/domain/events.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { Waiver } from '../../src/domain/policy.ts';
import { addressOf, type RestoreSpec } from '../../src/domain/spec.ts';
import type { State } from '../../src/domain/state.ts';
import { connect } from '../../src/drivers/connect.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { type Audit, auditOf } from '../../src/emulator/audit.ts';
import { type FaultRule, startPlan } from '../../src/emulator/faults.ts';
import { advance, type World } from '../../src/emulator/model.ts';
import { type OperatorAction, perform } from '../../src/emulator/operator.ts';
import { seedWorld } from '../../src/emulator/seed.ts';
import { execute, type Outcome } from '../../src/executor/execute.ts';
import type { Reach, RunSettings } from '../../src/executor/run.ts';
import { observationNeeds } from '../../src/planner/needs.ts';
import { plan } from '../../src/planner/planner.ts';
import type { Backend, Lease } from '../../src/state/backend.ts';
import type { Disk } from '../../src/state/local/disk.ts';
import { localBackend } from '../../src/state/local/local-backend.ts';
import { MemoryDisk } from './memory-disk.ts';
import { MemoryLock } from './memory-lock.ts';
import { SIM_EPOCH, SimClock } from './sim-clock.ts';
import { SIM_URL, SimNetwork } from './sim-network.ts';

export interface LabOptions {
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
 * The whole program but its command line, on a desk: real planner, executor, driver, classification and state,
 * over a cloud, a network, a disk and a clock that the test owns.
 */
export class Lab {
  readonly clock = new SimClock();
  readonly world: World;
  readonly network: SimNetwork;
  readonly disk = new MemoryDisk();
  readonly settings: RunSettings;
  readonly events: ApplyEvent[] = [];
  readonly #ids = counter();
  readonly #api: 'vbs' | 'cinder';

  constructor(options: LabOptions = {}) {
    this.#api = options.api ?? 'vbs';
    this.world = seedWorld({
      now: SIM_EPOCH,
      volumes: options.volumes ?? 4,
      jobDurationMs: options.jobDurationMs ?? 10_000,
      queueMs: options.queueMs ?? 0,
      tokenTtlMs: options.tokenTtlMs ?? 3_600_000,
    });
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
      newId: () => `lineage-${this.#ids()}`,
    });
  }

  connect(): Promise<Driver> {
    const [credential] = Object.values(this.world.users);
    return connect({
      api: this.#api,
      env: {
        OS_AUTH_URL: `${SIM_URL}/v3`,
        OS_USERNAME: credential?.name,
        OS_PASSWORD: credential?.password,
        OS_PROJECT_NAME: 'payments',
        OS_USER_DOMAIN_NAME: 'Default',
        OS_PROJECT_DOMAIN_NAME: 'Default',
        OS_REGION_NAME: this.world.region,
      },
      cwd: '/',
      home: '/',
      http: this.settings.http,
      retry: this.settings.retry,
      requestsPerSecond: this.settings.apply.requests_per_second,
      clock: this.clock,
      random: () => 0.5,
      version: 'test',
      network: this.network,
    });
  }

  /** One `vbsctl plan`. */
  async plan(specs: readonly RestoreSpec[]): Promise<Plan> {
    return this.clock.until(this.#plan(specs, await this.clock.until(this.connect()), await this.state()));
  }

  async #plan(
    specs: readonly RestoreSpec[],
    driver: Driver,
    state: State | undefined,
    { policy = this.settings.policy, waivers = [] }: ApplyOptions = {},
  ): Promise<Plan> {
    return plan({
      specs,
      files: [],
      ...(state ? { state } : {}),
      target: driver.target,
      observations: await observe(driver, observationNeeds(specs, state)),
      policy,
      waivers,
      only: [],
      now: this.clock.now(),
      toolVersion: 'test',
    });
  }

  /** One `vbsctl apply`, from connecting to releasing the lock. */
  async apply(specs: readonly RestoreSpec[], more: ApplyOptions = {}): Promise<Applied> {
    return this.clock.until(this.applying(specs, more));
  }

  /** The same, for a test that does something meanwhile. */
  async applying(specs: readonly RestoreSpec[], more: ApplyOptions = {}): Promise<Applied> {
    const driver = await this.connect();
    const lease: Lease = await (more.backend ?? this.backend(more.disk)).lock(
      { who: 'test@lab', operation: 'apply', version: 'test' },
      0,
    );
    try {
      if (!lease.state()) await lease.create(driver.target);
      const made = await this.#plan(specs, driver, lease.state(), more);
      const outcome = await execute({
        plan: made,
        lease,
        driver,
        clock: this.clock,
        random: () => 0.5,
        settings: { ...this.settings, policy: more.policy ?? this.settings.policy },
        waivers: more.waivers ?? [],
        reach: more.reach ?? 'finish',
        onEvent: (event) => {
          this.events.push(event);
          more.onEvent?.(event);
        },
        stop: more.stop ?? new AbortController().signal,
      });
      return { plan: made, outcome };
    } finally {
      await lease.release();
    }
  }

  state(): Promise<State | undefined> {
    return this.clock.until(this.backend().read());
  }

  audit(): Audit {
    advance(this.world, this.clock.now());
    return auditOf(this.world, {});
  }

  /** Starts that the cloud took on for the n-th disk, whoever was told. */
  starts(n: number): number {
    const volume = Object.values(this.world.volumes)[n];
    return this.audit().restores.filter((restore) => restore.volume_id === volume?.id).length;
  }

  operate(action: OperatorAction): void {
    advance(this.world, this.clock.now());
    perform(this.world, action, {
      now_ms: this.clock.now(),
      newId: () => `op-${this.#ids()}`,
      request_id: 'req-operator',
    });
  }
}

export interface ApplyOptions {
  readonly disk?: Disk;
  /** In place of the lab's own. */
  readonly backend?: Backend;
  readonly stop?: AbortSignal;
  readonly reach?: Reach;
  /** In place of the lab's own, for this run. */
  readonly policy?: Policy;
  readonly waivers?: readonly Waiver[];
  readonly onEvent?: (event: ApplyEvent) => void;
}

export interface Applied {
  readonly plan: Plan;
  readonly outcome: Outcome;
}

function counter(): () => number {
  let count = 0;
  return () => ++count;
}
