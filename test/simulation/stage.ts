import { createHash } from 'node:crypto';
import { apply } from '../../src/app/apply.ts';
import { applySaved } from '../../src/app/apply-saved.ts';
import { makePlan } from '../../src/app/make-plan.ts';
import type { LockRequest, Ports, RunPorts } from '../../src/app/ports.ts';
import { resolve } from '../../src/app/resolve.ts';
import { wait } from '../../src/app/wait.ts';
import { withLease } from '../../src/app/with-lease.ts';
import { DEFAULT_CONFIG, type Policy } from '../../src/domain/config.ts';
import { Failure } from '../../src/domain/errors.ts';
import type { ApplyEvent } from '../../src/domain/events.ts';
import { atOnce } from '../../src/domain/long-work.ts';
import { isRunnable, type Plan } from '../../src/domain/plan.ts';
import type { Resolution } from '../../src/domain/record.ts';
import type { SavedPlan } from '../../src/domain/saved-plan.ts';
import type { State } from '../../src/domain/state.ts';
import { connect } from '../../src/drivers/connect.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import type { Exchange, Http, HttpRequest } from '../../src/drivers/http/exchange.ts';
import { startPlan } from '../../src/emulator/faults.ts';
import { advance, type World } from '../../src/emulator/model.ts';
import { type OperatorAction, perform } from '../../src/emulator/operator.ts';
import { seedWorld } from '../../src/emulator/seed.ts';
import type { Outcome } from '../../src/executor/execute.ts';
import type { RunSettings } from '../../src/executor/run.ts';
import { save } from '../../src/planner/save.ts';
import type { Backend, Lease } from '../../src/state/backend.ts';
import { stateFaults } from '../../src/state/state-faults.ts';
import { encodeUnsaved } from '../../src/state/unsaved-codec.ts';
import { Checker, type TrueRestore } from './checker.ts';
import { Coverage } from './coverage.ts';
import { Manifest } from './manifest.ts';
import { MixUps } from './mix-ups.ts';
import { BucketPlace, type Files, localPlace, type Place, STATE } from './place.ts';
import { Random } from './random.ts';
import { Replicas } from './replicas.ts';
import { SIM_EPOCH, SimClock } from './sim-clock.ts';
import { type Arrival, SIM_URL, SimNetwork } from './sim-network.ts';
import { type Fate, type Machine, type Op, SimProcess } from './sim-process.ts';
import { type Chapter, type Happening, rulesOf, type Story, type StrangersDeed } from './story.ts';
import { Strangers } from './strangers.ts';

const HOUR = 3_600_000;
/** Longer than any run may last: virtual time, ms. */
const RUN_MS_MAX = 7 * 24 * HOUR;
/** Quiet runs until everything declared has to be settled. */
const QUIET_RUNS_MAX = 12;
/** How often, and for how long, it is looked whether a restore has ended that somebody waits for: virtual time, ms. */
const END_LOOKS_MS = 250;
const END_WAIT_MS_MAX = HOUR;

/** Plays a story: the real program but its command line, over a cloud, a network, a disk and a clock of its own. */
export class Stage {
  readonly checker: Checker;
  readonly coverage = new Coverage();
  readonly log: string[] = [];
  readonly world: World;
  readonly clock = new SimClock();
  runs = 0;
  crashes = 0;
  readonly #story: Story;
  readonly #network: SimNetwork;
  readonly #place: Place;
  readonly #bucket: BucketPlace | undefined;
  readonly #machines: readonly Machine[];
  /** A machine sleeps in this story. */
  readonly #sleeps: boolean;
  readonly #processes = new Map<string, SimProcess>();
  readonly #manifest: Manifest;
  readonly #replicas: Replicas;
  readonly #mixUps: MixUps;
  readonly #strangers: Strangers;
  /** Disks that the policy lets nobody overwrite. */
  readonly #protected = new Set<string>();
  /** Who waits for the first request for a restore into a disk. */
  readonly #awaited: { readonly volume_id: string; readonly tell: () => void }[] = [];
  readonly #random: Random;
  readonly #settings: RunSettings;
  readonly #senders = new WeakMap<HttpRequest, SimProcess>();
  readonly #pending = new Set<Promise<void>>();
  /** Who was shown an older copy of the cloud. */
  readonly #fooled = new WeakSet<SimProcess>();
  /** Until its lock is taken over. */
  readonly #frozenAt = new WeakMap<SimProcess, string>();
  #saved: SavedPlan | undefined;
  #ids = 0;
  #quiet = false;

  constructor(story: Story) {
    this.#story = story;
    this.#random = new Random(story.seed, 1);
    this.#settings = settingsOf(story);
    const [alpha, beta] = story.bucket?.skews_ms ?? [0, 0];
    this.#sleeps = story.chapters.some(({ fates }) =>
      fates.some((fate) => fate.kind === 'freeze' && fate.asleep),
    );
    this.#machines = [
      { name: 'alpha', skewMs: alpha },
      { name: 'beta', skewMs: beta },
    ];
    this.world = worldOf(story);
    const volumeIds = Object.keys(this.world.volumes);
    const backupIds = Object.keys(this.world.backups);
    this.checker = new Checker({
      state: STATE,
      after_ambiguous: story.settings.after_ambiguous ?? 'retry',
      rules: {
        api: story.api,
        settle_ms: this.#settings.retry.settle_ms,
        max_failures: this.#settings.apply.max_failures,
        timeout_ms: this.#settings.apply.timeout_ms,
        max_delay_ms: this.#settings.retry.max_delay_ms,
        give_up_after_ms: this.#settings.retry.give_up_after_ms,
      },
      ...(story.bucket
        ? {
            lease: {
              ttl_ms: story.bucket.ttl_ms,
              settle_ms: this.#settings.retry.settle_ms,
              request_timeout_ms: this.#settings.http.request_timeout_ms,
            },
          }
        : {}),
      sources: new Map(Object.values(this.world.backups).map(({ id, volume_id }) => [id, volume_id])),
    });
    this.world.faults = startPlan({ rules: rulesOf(story, volumeIds) });
    this.#mixUps = new MixUps(story.faults);
    this.#replicas = new Replicas(this.world, story.faults);
    this.#manifest = new Manifest(story.manifest, volumeIds, backupIds, this.world);
    this.#strangers = new Strangers(this.world, story.api);
    this.#network = new SimNetwork(this.world, this.clock, {
      date: story.date,
      arriving: (arrival) => this.#arriving(arrival),
      served: (arrival, delivery) => {
        const sender = this.#senders.get(arrival.request);
        if (delivery.fault) this.#hit(delivery.fault, arrival, sender);
        this.#look();
      },
    });
    const shared = {
      clock: this.clock,
      newId: () => `lineage-${++this.#ids}`,
      changed: (files: Files, writer: string | undefined) => {
        this.#advance();
        this.checker.durable(files, this.clock.monotonic(), this.#jobs(), writer, this.clock.now());
      },
    };
    const { lease } = this.checker;
    this.#bucket =
      story.bucket && lease
        ? new BucketPlace(shared, story.bucket, this.#settings.retry.settle_ms, lease, {
            met: (fault, process) => this.#storeMet(fault, process),
            takenOver: (from, by) => this.#takenOver(from, by),
          })
        : undefined;
    this.#place = this.#bucket ?? localPlace(shared);
  }

  async play(): Promise<void> {
    await this.clock.until(this.#play());
  }

  async #play(): Promise<void> {
    for (const chapter of this.#story.chapters) {
      await this.#chapter(chapter);
      if (this.checker.violations.length > 0) return;
    }
    await this.#quietly();
  }

  async #chapter(chapter: Chapter): Promise<void> {
    for (const edit of chapter.edits) {
      if (edit.kind === 'protect') this.#protect(edit.entry);
      else this.#manifest.edit(edit);
      this.#note(`the manifest: ${edit.kind}`);
    }
    for (const edit of chapter.edits) this.coverage.edited(edit.kind, this.#manifest.addresses());
    const machine = this.#machines[chapter.machine] as Machine;
    if (chapter.person) await this.#person();
    const process = this.#process(machine, chapter.command, chapter.fates);
    for (const happening of chapter.meanwhile) void this.#happen(happening, process);
    await this.#until(process, this.#command(process, chapter.command, chapter.lock_timeout_ms));
    await this.clock.sleep(chapter.pause_ms);
    // A dead owner's lock on another machine is freed by a person only.
    if (process.isDead) this.#place.unlock();
  }

  /** From the next run on. */
  #protect(entry: number): void {
    const pair = this.#manifest.pair(entry);
    if (pair) this.#protected.add(pair.volume_id);
  }

  get #policy(): Policy {
    return { ...DEFAULT_CONFIG.policy, protected_volumes: [...this.#protected] };
  }

  /** No faults any more, everybody helps: what is declared has to come to its end. */
  async #quietly(): Promise<void> {
    await this.clock.sleep(10 * 60_000);
    await Promise.all(this.#pending);
    this.#quiet = true;
    this.checker.quiet();
    this.#protected.clear();
    this.world.faults = startPlan({});
    this.#network.down = false;
    if (this.#bucket) this.#bucket.bucket.quiet = true;
    this.#operate({ action: 'settings', settings: { service_up: true } });
    this.#note('quiet times');
    for (let round = 0; round < QUIET_RUNS_MAX; round++) {
      // Everything that the cloud has begun comes to an end, and what never would is put right by its operators.
      await this.clock.sleep(2 * HOUR);
      this.#mendCloud();
      this.#place.unlock();
      await this.#person({ impatient: round > 2, orphans: round > 0 });
      const waiting = this.#process(this.#machines[0] as Machine, 'wait', []);
      await this.#until(waiting, this.#command(waiting, 'wait'));
      const process = this.#process(this.#machines[0] as Machine, 'apply', []);
      let open = ['no plan'];
      await this.#until(
        process,
        this.#command(process, 'apply', 0, (made) => {
          open = made.actions.filter(({ kind }) => kind !== 'noop').map(({ address }) => address);
          this.checker.followed(made.actions);
          this.#settle(made);
        }),
      );
      if (this.checker.violations.length > 0) return;
      if (open.length === 0) return;
    }
    this.checker.found('settles', `still open after ${QUIET_RUNS_MAX} quiet runs`);
  }

  /** What a person does about each restore that is blocked, as the remedy says; the last resort is to give it up. */
  #settle(made: Plan): void {
    let oneOfTwoGone = false;
    for (const action of made.actions) {
      if (action.kind !== 'blocked') continue;
      const codes = action.reasons.map(({ code }) => code);
      if (codes.includes('volume-shared') && !oneOfTwoGone) {
        oneOfTwoGone = true;
        this.#manifest.remove(action.address);
      } else if (codes.some((code) => code === 'may-be-touched' || code === 'outcome-unknown'))
        this.#manifest.raise(action.address);
      else if (codes.some((code) => GIVES_UP.has(code))) this.#manifest.remove(action.address);
      this.#note(`${action.address} was blocked: ${codes.join(', ')}`);
    }
  }

  #mendCloud(): void {
    for (const job of Object.values(this.world.jobs)) {
      if (job.phase !== 'running' || !job.quirks.some(({ kind }) => kind === 'job_endless')) continue;
      // Support ends what never would.
      job.quirks.length = 0;
      job.phase = 'failed';
      job.ended_ms = this.clock.now();
      this.world.running = this.world.running.filter((id) => id !== job.id);
      this.#operate({ action: 'set-status', volume_id: job.volume_id, status: 'error_restoring' });
      this.#operate({ action: 'set-status', backup_id: job.backup_id, status: 'available' });
    }
    const busy = new Set(this.world.running.map((id) => this.world.jobs[id]?.volume_id));
    for (const volume of Object.values(this.world.volumes)) {
      if (volume.attachments.length > 0) this.#operate({ action: 'detach', volume_id: volume.id });
      // Only what nobody waits for is reset: an open restore's end is read off the disk.
      const open = [...(this.checker.ledger?.records.values() ?? [])].some(
        (record) =>
          record.volume_id === volume.id && (record.status === 'intended' || record.status === 'running'),
      );
      if (volume.status !== 'available' && !busy.has(volume.id) && !open)
        this.#operate({ action: 'set-status', volume_id: volume.id, status: 'available' });
    }
    for (const backup of Object.values(this.world.backups)) {
      const used = this.world.running.some((id) => this.world.jobs[id]?.backup_id === backup.id);
      if (backup.status !== 'available' && !used)
        this.#operate({ action: 'set-status', backup_id: backup.id, status: 'available' });
    }
  }

  /** Until it ended, died, or somebody took it for dead. */
  async #until(process: SimProcess, work: Promise<void>): Promise<void> {
    const ended = work.then(() => {
      this.#pending.delete(ended);
    });
    const over = Promise.race([ended, process.died]);
    this.#pending.add(over);
    void over.then(() => this.#pending.delete(over));
    let late = false;
    const tooLong = this.clock.sleep(RUN_MS_MAX).then(() => {
      late = true;
    });
    await Promise.race([over, process.takenOver, tooLong]);
    if (late) {
      this.checker.found('run-ends', `${process.name} still runs after ${RUN_MS_MAX} ms`);
      process.kill();
    } else if (!process.isDead && process.isFrozen) {
      this.#note(`a person takes ${process.name} for dead${this.#bucket ? '' : ' and unlocks'}`);
      if (!this.#bucket) this.coverage.fault('takeover', undefined);
      this.#place.unlock();
    }
  }

  #process(machine: Machine, command: string, fates: readonly Fate[]): SimProcess {
    const name = `${command}-${++this.runs}`;
    const process = new SimProcess(name, machine, this.clock, fates, (fate, who) => this.#fate(fate, who));
    this.#processes.set(name, process);
    this.checker.began(name, command, this.#protected, this.clock.monotonic(), process.clock.now());
    this.#note(`${name} begins on ${machine.name}`);
    return process;
  }

  #fate(fate: Fate, process: SimProcess): void {
    const where = 'at' in fate ? ` ${fate.at.when} ${fate.at.op} ${fate.at.nth}` : '';
    this.#note(`${process.name}: ${fate.kind}${where}`);
    if (fate.kind === 'die' || fate.kind === 'power') this.crashes++;
    const kind =
      fate.kind === 'disk'
        ? `${fate.op} fails`
        : fate.kind === 'refused'
          ? `refused`
          : fate.kind === 'full'
            ? 'disk full'
            : fate.kind;
    this.coverage.fault(kind, undefined);
    this.checker.conduct.trouble(process.name, this.clock.monotonic(), fate.kind === 'freeze');
    if (fate.kind === 'freeze' && fate.wake_ms !== undefined)
      this.#frozenAt.set(process, `${fate.at.when} ${fate.at.op}`);
    if (fate.kind === 'power') {
      this.#place.powerFailure(fate.keep);
    }
  }

  /** One command of vbsctl, as its command line would do it. Never rejects: what it may not throw is a finding. */
  async #command(
    process: SimProcess,
    command: Chapter['command'],
    lockTimeoutMs = 0,
    seen: (made: Plan) => void = () => {},
  ): Promise<void> {
    try {
      await this.#useCase(process, command, lockTimeoutMs, seen);
    } catch (error) {
      const asked = process.stop.signal.aborted && error === process.stop.signal.reason;
      if (!(error instanceof Failure) && !asked)
        this.checker.found('bug', `${process.name}: ${stackOf(error)}`);
      this.checker.lease?.gaveUp(process.name, String(error));
      this.#note(`${process.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #useCase(
    process: SimProcess,
    command: Chapter['command'],
    lockTimeoutMs: number,
    seen: (made: Plan) => void,
  ): Promise<void> {
    const request = { ...this.#lockRequest(command), lockTimeoutMs };
    const settings = { ...this.#settings, policy: this.#policy };
    const terms = { ...request, skipBlocked: true, waivers: [], settings };
    const ports = this.#runPorts(process);
    switch (command) {
      case 'apply':
      case 'submit':
        await apply(
          {
            ...terms,
            reach: command === 'submit' ? 'submit' : 'finish',
            wanted: { specs: this.#manifest.specs(), files: [], only: [] },
          },
          {
            ...ports,
            confirmNewState: async () => {},
            confirm: async () => {},
            showPlan: (made) => {
              if (this.#place.isHeldBy(process)) this.checker.shown(made);
              seen(made);
            },
          },
        );
        return;
      case 'saved': {
        this.#saved ??= await this.#savePlan(process, request);
        const saved = this.#saved;
        await applySaved(
          { ...terms, reach: 'finish', saved, signed: { kind: 'unsigned' }, manifests: [] },
          { ...ports, sha256, showPlan: seen },
        );
        return;
      }
      case 'wait':
        await wait({ ...request, addresses: [], settings }, ports);
        return;
      default:
        command satisfies never;
    }
  }

  /** `vbsctl init`, where there is no state yet, and `vbsctl plan --out`. */
  async #savePlan(process: SimProcess, request: LockRequest): Promise<SavedPlan> {
    const ports = this.#ports(process);
    const { driver } = await ports.connect();
    const state =
      (await ports.store.read()) ??
      (await withLease(ports.store, request, ports.stop, async (lease) => lease.create(driver.target)));
    const wanted = {
      specs: this.#manifest.specs(),
      files: [],
      policy: this.#policy,
      only: [],
      waivers: [],
    };
    const made = await makePlan(wanted, { state, driver, clock: process.clock });
    return save(made, { ...wanted, state, selection: [] }, sha256);
  }

  #lockRequest(operation: string): LockRequest {
    return { actor: { who: 'sim', operation, version: 'test' }, lockTimeoutMs: 0 };
  }

  #ports(process: SimProcess): Ports {
    return {
      store: this.#store(process),
      connect: async () => ({ driver: await this.#connect(process), close: async () => {} }),
      clock: process.clock,
      stop: process.stop.signal,
      tell: () => {},
    };
  }

  #runPorts(process: SimProcess): RunPorts {
    return {
      ...this.#ports(process),
      random: () => this.#random.next(),
      beginRun: async (made) => {
        const runnable = made.actions.filter(isRunnable);
        this.checker.planned(
          process.name,
          runnable.map((action) => ({
            volume_id: action.volume.id ?? '',
            backup_id: action.backup.id ?? '',
            size: action.kind === 'restore' ? action.volume.size : undefined,
            depends_on: action.kind === 'restore' ? action.depends_on : [],
          })),
        );
        this.coverage.planned(made);
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

  #leaseEnds(process: SimProcess, { fatal }: Outcome): void {
    const where = this.#frozenAt.get(process);
    if (where === undefined) return;
    const left = (fatal?.unsaved.length ?? 0) > 0;
    const lost = fatal ? (left ? 'refused and left' : 'refused') : 'given up';
    this.coverage.lease(where, this.#place.isHeldBy(process) ? 'kept' : lost);
  }

  /** `errored.state.json`, as the command line writes it. */
  #leftBehind(process: SimProcess, state: State | undefined, { fatal }: Outcome): void {
    if (!fatal || !state) return;
    const { lineage, serial, target } = state;
    const saved_at = new Date(process.clock.now()).toISOString();
    this.checker.leftBehind(
      process.name,
      encodeUnsaved({ state: STATE, lineage, serial, target, saved_at, records: fatal.unsaved }),
    );
  }

  #ended(process: SimProcess, planned: readonly string[], outcome: Outcome): void {
    const { ends, fatal } = outcome;
    if (fatal && !(fatal.error instanceof Failure))
      this.checker.found('bug', `${process.name}: ${stackOf(fatal.error)}`);
    this.checker.ended(
      process.name,
      planned,
      [...ends].map(([address, end]) => ({
        address,
        status: end.kind === 'recorded' ? end.record.status : undefined,
      })),
      fatal !== undefined || !this.#place.isHeldBy(process),
      process.stop.signal.aborted,
    );
    if (fatal) this.checker.lease?.gaveUp(process.name, String(fatal.error));
    this.#note(
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
    this.coverage.event(event);
    const { conduct } = this.checker;
    if (event.type === 'begun') conduct.begun(process.name, event.address, this.clock.monotonic());
    if (event.type === 'ended') conduct.ended(process.name, event.address, this.clock.monotonic());
    if ('address' in event) this.#note(`${process.name}: ${textOf(event)}`);
  }

  /** Somebody who can look at everything settles what is open, as the remedies say. */
  async #person({ impatient = false, orphans = true } = {}): Promise<void> {
    this.#advance();
    this.#look();
    const records = [...(this.checker.ledger?.records.values() ?? [])];
    for (const record of records) {
      const orphan = orphans && record.status === 'intended' && !this.#manifest.declares(record);
      const doubtful = record.status === 'failed' && record.touched === 'maybe' && !record.resolution;
      const underWay = record.status === 'intended' || record.status === 'running';
      const stuck = underWay && (impatient || this.#isRestoring(record));
      if (record.status !== 'unknown' && !orphan && !doubtful && !stuck) continue;
      const truth = this.checker.truthOf(record);
      // While the cloud is at it a person waits; who does not is refused.
      if (truth !== 'under-way') await this.#resolve(record.address, truth);
      else if (
        this.#isRestoring(record) &&
        (await this.#resolve(record.address, 'not-started')) === 'done' &&
        // It may have taken him longer than the restore.
        this.#isRestoring(record)
      )
        this.checker.found('resolve-looks', `${record.address} while it is being restored`);
    }
  }

  /** Whether it was written down; `fooled`: by a look at an older copy of the cloud. */
  async #resolve(address: string, as: Resolution['as']): Promise<'done' | 'fooled' | 'refused'> {
    const process = this.#process(this.#machines[0] as Machine, 'resolve', []);
    let done = false;
    const say = async () => {
      try {
        await resolve(
          {
            ...this.#lockRequest('resolve'),
            address,
            decision: { as, reason: 'looked at it', by: 'a person' },
            settings: this.#settings,
          },
          this.#ports(process),
        );
        done = true;
        this.#note(`a person resolves ${address} as ${as}`);
      } catch (error) {
        if (!(error instanceof Failure)) this.checker.found('bug', `resolve: ${stackOf(error)}`);
        this.#note(`resolve: ${String(error)}`);
      }
    };
    await this.#until(process, say());
    return !done ? 'refused' : this.#fooled.has(process) ? 'fooled' : 'done';
  }

  /** For as long as it takes to say so. */
  #isRestoring({ volume_id }: { readonly volume_id: string }): boolean {
    const soon = this.clock.now() + 10_000;
    return this.world.running.some((id) => {
      const job = this.world.jobs[id];
      return job?.volume_id === volume_id && (job.started_ms ?? 0) + job.duration_ms > soon;
    });
  }

  async #happen(happening: Happening, process: SimProcess): Promise<void> {
    if ('since' in happening) await this.#since(happening);
    await this.clock.sleep(happening.after_ms);
    if (this.#quiet) return;
    const { kind } = happening;
    const volumes = Object.keys(this.world.volumes);
    const backups = this.#manifest.backupIds;
    const volume = (disk: number) => volumes[disk % volumes.length] as string;
    const backup = (number: number) => backups[number % backups.length] as string;
    this.#note(`meanwhile: ${kind}`);
    switch (kind) {
      case 'kill':
        if (process.isDead) return;
        process.kill();
        this.crashes++;
        this.coverage.fault('die', undefined);
        return;
      case 'interrupt':
        process.stop.abort(new Error('interrupted'));
        this.coverage.fault('interrupt', undefined);
        return;
      case 'clock':
        // Who slept and whose clock is set back at once has no clock left that knows.
        process.machine.skewMs += this.#sleeps ? Math.abs(happening.jump_ms) : happening.jump_ms;
        this.coverage.fault('clock jump', undefined);
        return;
      case 'cut_off':
        this.#network.down = true;
        this.coverage.fault('cut off', undefined);
        await this.clock.sleep(happening.for_ms);
        this.#network.down = false;
        return;
      case 'rival': {
        const rival = this.#process(this.#machines[1] as Machine, 'apply', []);
        await this.#until(rival, this.#command(rival, 'apply', happening.lock_timeout_ms));
        return;
      }
      case 'store_away':
        if (!this.#bucket) return;
        this.#bucket.bucket.away = true;
        this.coverage.fault('S3 away', undefined);
        await this.clock.sleep(happening.for_ms);
        this.#bucket.bucket.away = false;
        return;
      case 'attach': {
        const volume_id = volume(happening.disk);
        this.#operate({ action: 'attach', volume_id, server: 'somebody' });
        this.coverage.fault('attach', { volume_id });
        await this.clock.sleep(happening.for_ms);
        this.#operate({ action: 'detach', volume_id });
        return;
      }
      case 'restore':
      case 'restore_same': {
        const pair =
          kind === 'restore'
            ? { volume_id: volume(happening.disk), backup_id: backup(happening.backup) }
            : this.#manifest.pair(happening.entry);
        if (!pair) return;
        this.#operate({ action: 'restore', ...pair });
        this.coverage.fault(kind === 'restore' ? 'another restore' : 'same restore', pair);
        return;
      }
      case 'restore_elsewhere':
      case 'restore_both': {
        const pair = this.#manifest.pair(happening.entry);
        const another = volumes.find((id) => id !== pair?.volume_id);
        const foreign = backups.find(
          (id) => id !== pair?.backup_id && this.world.backups[id]?.volume_id !== pair?.volume_id,
        );
        if (!pair || another === undefined || foreign === undefined) return;
        this.#operate({ action: 'restore', volume_id: another, backup_id: pair.backup_id });
        if (kind === 'restore_both')
          this.#operate({ action: 'restore', volume_id: pair.volume_id, backup_id: foreign });
        this.coverage.fault('another restore', pair);
        return;
      }
      case 'delete_backup': {
        const backup_id = backup(happening.backup);
        this.#operate({ action: 'delete-backup', backup_id });
        this.coverage.fault('delete backup', { backup_id });
        return;
      }
      case 'extend': {
        const volume_id = volume(happening.disk);
        const size = (this.world.volumes[volume_id]?.size_gb ?? 0) + 10;
        this.#operate({ action: 'extend', volume_id, size });
        this.coverage.fault('extend', { volume_id });
        return;
      }
      case 'crossed':
      case 'overwrite':
      case 'fail':
      case 'reset':
        return this.#strangersDo(happening);
      case 'daemon':
        this.#operate({ action: 'settings', settings: { service_up: false } });
        this.coverage.fault('daemon down', undefined);
        await this.clock.sleep(happening.for_ms);
        this.#operate({ action: 'settings', settings: { service_up: true } });
        return;
      default:
        return kind satisfies never;
    }
  }

  /** The moment that the deed counts from. */
  async #since({
    since,
    entry,
  }: {
    readonly since?: 'request' | 'end';
    readonly entry?: number;
  }): Promise<void> {
    const volume_id = this.#manifest.pair(entry ?? 0)?.volume_id;
    if (since === undefined || volume_id === undefined) return;
    const began = this.clock.now();
    if (since === 'request') {
      await new Promise<void>((tell) => this.#awaited.push({ volume_id, tell }));
      return;
    }
    while (!this.#quiet && this.clock.now() - began < END_WAIT_MS_MAX) {
      this.#advance();
      if (this.#strangers.hasEnded(volume_id, began)) return;
      await this.clock.sleep(END_LOOKS_MS);
    }
  }

  async #strangersDo(deed: StrangersDeed): Promise<void> {
    const pair = this.#manifest.pair(deed.entry);
    if (!pair) return;
    const { volume_id, backup_id } = pair;
    this.coverage.fault(`stranger: ${deed.kind}`, pair);
    switch (deed.kind) {
      case 'crossed': {
        const another = this.#strangers.otherBackup(pair, deed.from);
        const elsewhere = this.#strangers.anotherDisk(volume_id);
        if (another === undefined || elsewhere === undefined) return;
        const [disk_ms, backup_ms] = deed.length ?? [];
        const intoDisk = () => this.#stranger({ volume_id, backup_id: another }, disk_ms);
        const fromBackup = () => this.#stranger({ volume_id: elsewhere, backup_id }, backup_ms);
        const [first, second] = deed.first === 'disk' ? [intoDisk, fromBackup] : [fromBackup, intoDisk];
        first();
        await this.clock.sleep(deed.gap_ms);
        if (!this.#quiet) second();
        return;
      }
      case 'overwrite': {
        const another = this.#strangers.otherBackup(pair, deed.from);
        if (another !== undefined)
          this.#stranger({ volume_id, backup_id: another }, deed.length_ms, deed.fails);
        return;
      }
      case 'fail':
        this.#advance();
        this.#strangers.spoil(volume_id);
        return;
      case 'reset':
        this.#advance();
        if (!this.world.volumes[volume_id]?.status.startsWith('error')) return;
        this.#operate({ action: 'set-status', volume_id, status: 'available' });
        this.checker.reset(volume_id, this.clock.now());
        return;
      default:
        return deed satisfies never;
    }
  }

  #stranger(
    pair: { readonly volume_id: string; readonly backup_id: string },
    length_ms?: number,
    fails?: true,
  ): void {
    this.#advance();
    this.#strangers.restore(pair, this.clock.now(), {
      ...(length_ms === undefined ? {} : { length_ms }),
      ...(fails ? { fails } : {}),
    });
    this.#look();
  }

  #operate(action: OperatorAction): void {
    this.#advance();
    perform(this.world, action, {
      now_ms: this.clock.now(),
      newId: () => `op-${++this.#ids}`,
      request_id: 'req-somebody',
    });
    this.#replicas.note(this.clock.now());
    this.#look();
  }

  #arriving(arrival: Arrival): World | undefined {
    this.#advance();
    const { facts, request, request_id } = arrival;
    const sender = this.#senders.get(request);
    if (request.method === 'POST' && facts?.route === 'restore' && sender) {
      const { volume_id, backup_id } = facts;
      if (volume_id !== null && backup_id !== null) {
        const post = { request_id, volume_id, backup_id };
        this.checker.posted(sender.name, post, this.clock.monotonic(), this.clock.now());
        for (const one of this.#awaited.filter((waits) => waits.volume_id === volume_id)) {
          this.#awaited.splice(this.#awaited.indexOf(one), 1);
          one.tell();
        }
      }
    }
    if (request.method !== 'GET' || !facts || this.#quiet) return undefined;
    const older = this.#replicas.older(facts, this.clock.now());
    if (older) this.#hit('stale', arrival, sender);
    if (older && sender) {
      this.#fooled.add(sender);
      this.checker.conduct.misled(sender.name);
    }
    return older;
  }

  #hit(fault: string, { facts, request }: Arrival, sender: SimProcess | undefined): void {
    const route = facts?.route ?? '';
    this.#note(`${sender?.name}: ${request.method} ${route} meets ${fault}`);
    if (sender) this.checker.conduct.trouble(sender.name, this.clock.monotonic());
    this.coverage.fault(`${request.method === 'POST' && route !== 'token' ? 'POST' : route} ${fault}`, {
      ...(facts?.volume_id ? { volume_id: facts.volume_id } : {}),
      ...(facts?.backup_id ? { backup_id: facts.backup_id } : {}),
    });
  }

  /** What was due has happened, one thing at a time, so that older copies of the world can be shown. */
  #advance(): void {
    const now = this.clock.now();
    for (let next = this.world.agenda[0]; next && next.at_ms <= now; next = this.world.agenda[0]) {
      advance(this.world, next.at_ms);
      this.#replicas.note(next.at_ms);
    }
    this.#replicas.note(now);
  }

  #look(): void {
    this.#replicas.note(this.clock.now());
    this.checker.cloud(this.#jobs());
  }

  #jobs(): TrueRestore[] {
    return Object.values(this.world.jobs);
  }

  #connect(process: SimProcess): Promise<Driver> {
    const [credential] = Object.values(this.world.users);
    return connect({
      api: this.#story.api,
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
      http: this.#settings.http,
      retry: this.#settings.retry,
      requestsPerSecond: this.#settings.apply.requests_per_second,
      clock: process.clock,
      random: () => this.#random.next(),
      version: 'test',
      network: this.#networkOf(process),
    });
  }

  #networkOf(process: SimProcess): Http {
    return {
      send: (request) => {
        const op: Op = request.method === 'GET' ? 'get' : request.url.includes('/auth/') ? 'token' : 'post';
        return process.io(op, async () => {
          const at = () => this.clock.monotonic();
          this.checker.conduct.leaves(process.name, op, at());
          if (op === 'token') this.checker.conduct.askedForToken(process.name, at());
          const pair = op === 'post' ? pairOf(request) : undefined;
          const sent = pair && this.checker.sends(process.name, pair);
          this.#senders.set(request, process);
          const exchange: Exchange = process.isRefused(op)
            ? { kind: 'no_connection', message: 'connection refused', code: 'ECONNREFUSED' }
            : this.#mixedUp(request, await this.#network.send(request));
          if (sent) this.checker.came(sent, exchange, at());
          if (exchange.kind === 'answer')
            this.checker.conduct.answered(process.name, exchange.status, exchange.headers, at());
          if (op === 'get') this.#read(process, request.url, exchange);
          return exchange;
        });
      },
    };
  }

  #mixedUp(request: HttpRequest, exchange: Exchange): Exchange {
    return this.#quiet ? exchange : this.#mixUps.bend(...aboutOf(request), exchange);
  }

  #read(process: SimProcess, url: string, exchange: Exchange): void {
    const at = this.clock.monotonic();
    const [, what, id] = /\/(volumes|backups|jobs)\/([^/?]+)$/.exec(url) ?? [];
    if (exchange.kind !== 'answer' || exchange.status !== 200) {
      const status = exchange.kind === 'answer' ? exchange.status : undefined;
      this.checker.conduct.learntNothing(process.name, id, status, at);
      return;
    }
    if (id === undefined) return;
    if (what === 'jobs') this.checker.conduct.lookedAtJob(id, exchange.text);
    else this.checker.looked(process.name, id, exchange.text, at);
  }

  /** Its leases are checked, and overheard. */
  #store(process: SimProcess): Backend {
    const store = this.#place.backend(process);
    return {
      location: STATE,
      place: STATE,
      read: () => store.read(),
      snapshot: () => store.snapshot(),
      holder: () => store.holder(),
      unlock: (id) => store.unlock(id),
      lock: async (actor, waitMs, signal) => {
        const lease = await store.lock(actor, waitMs, signal);
        mustVerify(lease);
        this.checker.conduct.locked(process.name, this.clock.monotonic());
        const rules = this.checker.lease;
        rules?.begins(process.name);
        return rules
          ? overheard(lease, () => {
              const since = this.clock.monotonic();
              return {
                acknowledged: () => rules.acknowledged(process.name, since),
                refused: () => rules.refused(process.name, this.clock.monotonic()),
              };
            })
          : lease;
      },
    };
  }

  #storeMet(fault: string, process: SimProcess): void {
    this.#note(`${process.name}: ${fault}`);
    this.coverage.fault(`S3 ${fault}`, undefined);
    this.checker.lease?.trouble(process.name, !fault.endsWith('denied'));
    this.checker.conduct.hindered(process.name, this.clock.monotonic());
  }

  #takenOver(from: string, by: string): void {
    this.#note(`${by} takes the lock of ${from} over`);
    this.coverage.fault('S3 takeover', undefined);
    this.#processes.get(from)?.lostLock();
  }

  #note(text: string): void {
    this.log.push(`${(this.clock.monotonic() / 1000).toFixed(2).padStart(9)}  ${text}`);
  }
}

/** No story may lead to a state that vbsctl itself would refuse: nobody tampers with it here. */
function mustVerify(lease: Lease): void {
  const snapshot = lease.snapshot();
  const faults = snapshot ? atOnce(stateFaults(snapshot, {})) : [];
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
    get poisoned() {
      return lease.poisoned;
    },
    remainingMs: () => lease.remainingMs(),
    ttlMs: lease.ttlMs,
    release: () => lease.release(),
  };
}

/** Reasons that no waiting and no resolving takes away. */
const GIVES_UP = new Set([
  'volume-too-small',
  'backup-gone',
  'volume-gone',
  'selector-empty',
  'same-restore-twice',
]);

/** What a request asks for, and the ids in it. */
function aboutOf(request: HttpRequest): ['restore' | 'volume' | 'backup' | 'unknown', string[]] {
  const pair = pairOf(request);
  if (pair) return ['restore', [pair.volume_id, pair.backup_id]];
  const [, what, id] = /\/(volume|backup)s\/([^/?]+)$/.exec(request.url) ?? [];
  return id === undefined ? ['unknown', []] : [what === 'volume' ? 'volume' : 'backup', [id]];
}

/** What a restore's request is about. */
function pairOf(request: HttpRequest): { volume_id: string; backup_id: string } | undefined {
  const backup_id = /backups\/([^/?]+)\/restore$/.exec(request.url)?.[1];
  const volume_id = request.method === 'POST' ? JSON.parse(request.body).restore?.volume_id : undefined;
  return backup_id !== undefined && typeof volume_id === 'string' ? { volume_id, backup_id } : undefined;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function textOf(event: ApplyEvent): string {
  const { at, ...rest } = event;
  return JSON.stringify(rest, (key, value) => (key === 'end' || key === 'failure' ? undefined : value));
}

function worldOf(story: Story): World {
  const world = seedWorld({
    now: SIM_EPOCH,
    volumes: story.disks,
    backupsPerVolume: story.backups_per_disk,
    jobDurationMs: story.job_ms,
    queueMs: story.queue_ms,
    tokenTtlMs: story.token_ttl_ms,
  });
  for (const volume of Object.values(world.volumes)) volume.size_gb = 10;
  for (const backup of Object.values(world.backups)) backup.size_gb = 10;
  return world;
}

function settingsOf({ settings }: Story): RunSettings {
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
