import { DEFAULT_CONFIG, type Policy } from '../../src/domain/config.ts';
import { startPlan } from '../../src/emulator/faults.ts';
import type { World } from '../../src/emulator/model.ts';
import type { OperatorAction } from '../../src/emulator/operator.ts';
import { seedWorld } from '../../src/emulator/seed.ts';
import type { RunSettings } from '../../src/executor/run.ts';
import { Checker, type TrueRestore } from './checker.ts';
import { Coverage } from './coverage.ts';
import { Manifest } from './manifest.ts';
import { OtherClients } from './other-clients.ts';
import { Random } from './random.ts';
import { Replicas } from './replicas.ts';
import { rulesOf, type Scenario } from './scenario.ts';
import { SIM_EPOCH, type SimClock } from './sim-clock.ts';
import { SimCloud } from './sim-cloud.ts';
import { type Machine, type ProcessFault, SimProcess } from './sim-process.ts';
import { BucketStore, type Files, localStore, STATE, type StateStore } from './state-store.ts';
import { WrongAnswers } from './wrong-answers.ts';

/** Longer than any run may last: virtual time, ms. */
const RUN_MS_MAX = 7 * 24 * 3_600_000;

/**
 * What a scenario runs in: the cloud, its other clients, the machines, the store of the state, and the observers
 * (checker and coverage). The program is in `sim-program.ts`.
 */
export class Environment {
  readonly scenario: Scenario;
  readonly checker: Checker;
  readonly coverage = new Coverage();
  readonly log: string[] = [];
  readonly cloud: SimCloud;
  readonly clock: SimClock;
  readonly world: World;
  readonly settings: RunSettings;
  readonly store: StateStore;
  readonly bucket: BucketStore | undefined;
  readonly machines: readonly Machine[];
  /** A machine sleeps in this scenario. */
  readonly sleeps: boolean;
  readonly manifest: Manifest;
  readonly replicas: Replicas;
  readonly wrongAnswers: WrongAnswers;
  readonly otherClients: OtherClients;
  readonly random: Random;
  /** Disks that the policy lets nobody overwrite. */
  readonly protected = new Set<string>();
  readonly pending = new Set<Promise<void>>();
  /** Until its lock is taken over. */
  readonly frozenAt = new WeakMap<SimProcess, string>();
  readonly #processes = new Map<string, SimProcess>();
  runs = 0;
  crashes = 0;
  /** No faults any more, and nobody interferes. */
  isFinalPhase = false;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.random = new Random(scenario.seed, 1);
    this.settings = settingsOf(scenario);
    const [alpha, beta] = scenario.bucket?.skews_ms ?? [0, 0];
    this.sleeps = scenario.steps.some(({ processFaults }) =>
      processFaults.some((fault) => fault.kind === 'freeze' && fault.asleep),
    );
    this.machines = [
      { name: 'alpha', skewMs: alpha },
      { name: 'beta', skewMs: beta },
    ];
    this.cloud = new SimCloud(worldOf(scenario), (at) => this.replicas.note(at));
    this.clock = this.cloud.clock;
    this.world = this.cloud.world;
    const volumeIds = Object.keys(this.world.volumes);
    const backupIds = Object.keys(this.world.backups);
    this.checker = new Checker({
      state: STATE,
      after_ambiguous: scenario.settings.after_ambiguous ?? 'retry',
      rules: {
        api: scenario.api,
        settle_ms: this.settings.retry.settle_ms,
        max_failures: this.settings.apply.max_failures,
        timeout_ms: this.settings.apply.timeout_ms,
        max_delay_ms: this.settings.retry.max_delay_ms,
        give_up_after_ms: this.settings.retry.give_up_after_ms,
      },
      ...(scenario.bucket
        ? {
            lease: {
              ttl_ms: scenario.bucket.ttl_ms,
              settle_ms: this.settings.retry.settle_ms,
              request_timeout_ms: this.settings.http.request_timeout_ms,
            },
          }
        : {}),
      sources: new Map(Object.values(this.world.backups).map(({ id, volume_id }) => [id, volume_id])),
    });
    this.world.faults = startPlan({ rules: rulesOf(scenario, volumeIds) });
    this.wrongAnswers = new WrongAnswers(scenario.faults);
    this.replicas = new Replicas(this.world, scenario.faults);
    this.manifest = new Manifest(scenario.manifest, volumeIds, backupIds, this.world);
    this.otherClients = new OtherClients(this.world, scenario.api);
    const shared = {
      clock: this.clock,
      newId: () => this.cloud.newId('lineage'),
      changed: (files: Files, writer: string | undefined) => {
        this.advance();
        this.checker.durable(files, this.clock.monotonic(), this.jobs(), writer, this.clock.now());
      },
    };
    const { lease } = this.checker;
    this.bucket =
      scenario.bucket && lease
        ? new BucketStore(shared, scenario.bucket, this.settings.retry.settle_ms, lease, {
            met: (fault, process) => this.#storeMet(fault, process),
            takenOver: (from, by) => this.#takenOver(from, by),
          })
        : undefined;
    this.store = this.bucket ?? localStore(shared);
  }

  get policy(): Policy {
    return { ...DEFAULT_CONFIG.policy, protected_volumes: [...this.protected] };
  }

  /** From the next run on. */
  readonly protect = (entry: number): void => {
    const pair = this.manifest.pair(entry);
    if (pair) this.protected.add(pair.volume_id);
  };

  /** A process on the machine with this number. */
  begin(number: number, command: string, processFaults: readonly ProcessFault[]): SimProcess {
    const machine = this.machines[number] as Machine;
    const name = `${command}-${++this.runs}`;
    const process = new SimProcess(name, machine, this.clock, processFaults, (fault, who) =>
      this.#fault(fault, who),
    );
    this.#processes.set(name, process);
    this.checker.began(name, command, this.protected, this.clock.monotonic(), process.clock.now());
    this.note(`${name} begins on ${machine.name}`);
    return process;
  }

  #fault(fault: ProcessFault, process: SimProcess): void {
    const where = 'at' in fault ? ` ${fault.at.when} ${fault.at.op} ${fault.at.nth}` : '';
    this.note(`${process.name}: ${fault.kind}${where}`);
    if (fault.kind === 'die' || fault.kind === 'power') this.crashes++;
    const kind =
      fault.kind === 'disk'
        ? `${fault.op} fails`
        : fault.kind === 'refused'
          ? `refused`
          : fault.kind === 'full'
            ? 'disk full'
            : fault.kind;
    this.coverage.fault(kind, undefined);
    this.checker.processRules.trouble(process.name, this.clock.monotonic(), fault.kind === 'freeze');
    if (fault.kind === 'freeze' && fault.wake_ms !== undefined)
      this.frozenAt.set(process, `${fault.at.when} ${fault.at.op}`);
    if (fault.kind === 'power') {
      this.store.powerFailure(fault.keep);
    }
  }

  /** Until it ended, died, or somebody took it for dead. */
  async until(process: SimProcess, work: Promise<void>): Promise<void> {
    const ended = work.then(() => {
      this.pending.delete(ended);
    });
    const over = Promise.race([ended, process.died]);
    this.pending.add(over);
    void over.then(() => this.pending.delete(over));
    let late = false;
    const tooLong = this.clock.sleep(RUN_MS_MAX).then(() => {
      late = true;
    });
    await Promise.race([over, process.takenOver, tooLong]);
    if (late) {
      this.checker.found('run-ends', `${process.name} still runs after ${RUN_MS_MAX} ms`);
      process.kill();
    } else if (!process.isDead && process.isFrozen) {
      this.note(`an operator takes ${process.name} for dead${this.bucket ? '' : ' and unlocks'}`);
      if (!this.bucket) this.coverage.fault('takeover', undefined);
      this.store.unlock();
    }
  }

  operate(action: OperatorAction): void {
    this.cloud.operate(action);
    this.look();
  }

  advance(): void {
    this.cloud.advance();
  }

  look(): void {
    this.replicas.note(this.clock.now());
    this.checker.cloud(this.jobs());
  }

  jobs(): TrueRestore[] {
    return Object.values(this.world.jobs);
  }

  #storeMet(fault: string, process: SimProcess): void {
    this.note(`${process.name}: ${fault}`);
    this.coverage.fault(`S3 ${fault}`, undefined);
    this.checker.lease?.trouble(process.name, !fault.endsWith('denied'));
    this.checker.processRules.storeDelayed(process.name, this.clock.monotonic());
  }

  #takenOver(from: string, by: string): void {
    this.note(`${by} takes the lock of ${from} over`);
    this.coverage.fault('S3 takeover', undefined);
    this.#processes.get(from)?.lostLock();
  }

  readonly note = (text: string): void => {
    this.log.push(`${(this.clock.monotonic() / 1000).toFixed(2).padStart(9)}  ${text}`);
  };
}

function worldOf(scenario: Scenario): World {
  const world = seedWorld({
    now: SIM_EPOCH,
    volumes: scenario.disks,
    backupsPerVolume: scenario.backups_per_disk,
    jobDurationMs: scenario.job_ms,
    queueMs: scenario.queue_ms,
    tokenTtlMs: scenario.token_ttl_ms,
  });
  for (const volume of Object.values(world.volumes)) volume.size_gb = 10;
  for (const backup of Object.values(world.backups)) backup.size_gb = 10;
  return world;
}

function settingsOf({ settings }: Scenario): RunSettings {
  const { apply, retry, poll, http, policy } = DEFAULT_CONFIG;
  const { settle_ms, after_ambiguous, give_up_after_ms, ...more } = settings;
  return {
    apply: { ...apply, ...more },
    retry: {
      ...retry,
      ...(settle_ms === undefined ? {} : { settle_ms }),
      ...(after_ambiguous === undefined ? {} : { after_ambiguous }),
      ...(give_up_after_ms === undefined ? {} : { give_up_after_ms }),
    },
    poll,
    http,
    policy,
  };
}
