import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultPlan, FaultRule, RequestLog } from '../../src/emulator/index.ts';
import type { Running } from '../e2e/program.ts';
import { type Finished, Workspace } from '../e2e/workspace.ts';
import {
  type BrokenPromise,
  jobsOf,
  judgeEnd,
  judgeStanding,
  type ListedRecord,
  similarRestores,
  type Wanted,
} from './judge.ts';
import type { Act, Moment, RoundPlan } from './round-plan.ts';

/** What one round came to. */
export interface Round {
  readonly plan: RoundPlan;
  readonly violations: readonly BrokenPromise[];
  /** What was done and seen, in order. */
  readonly log: readonly string[];
  readonly figures: Figures;
}

export interface Figures {
  readonly runs: number;
  readonly restores: number;
  /** POSTs of restores that reached the cloud, and restores that it began. */
  readonly posts: number;
  readonly starts: number;
  readonly kills: { readonly random: number; readonly in_flight: number };
  readonly takeovers: number;
  /** Pairs of strangers whose restores crossed; and successes that nobody can tell from ours. */
  readonly crossed: number;
  readonly similarRestores: number;
  /** Second ones that were told 4. */
  readonly locked: number;
  /** From the signal to the exit, ms. */
  readonly stops: readonly number[];
  /** Starts beyond the first of one request, which the network had delivered twice. */
  readonly duplicated: number;
  /** What a person had to settle. */
  readonly unknown: number;
  readonly faults: Readonly<Record<string, number>>;
}

/** No run of so few restores takes longer; one that does hangs. */
const RUN_MS_MAX = 90_000;
const RUNS_TO_CONVERGE_MAX = 15;
const HANG_MS = 60_000;
/** How long a stranger's restore lasts that another one may cross. */
const STRANGER_MS = 4_500;
const DONE = 0;
const UNKNOWN = 3;
const LOCKED = 4;
const INTERRUPTED = 130;

/** Plays a plan against the built program, and judges after every end of it. Resolves always. */
export async function playRound(plan: RoundPlan): Promise<Round> {
  const round = new Play(plan);
  await round.open();
  try {
    await round.play();
  } catch (cause) {
    round.violation({
      kind: 'unfinished',
      what: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    });
  } finally {
    await round.close();
  }
  return round.result();
}

class Play {
  readonly #plan: RoundPlan;
  readonly #began = Date.now();
  readonly #log: string[] = [];
  readonly #violations: BrokenPromise[] = [];
  readonly #wanted: Wanted[] = [];
  readonly #children = new Set<Running>();
  readonly #similarRestores = new Set<string>();
  #workspace: Workspace | undefined;
  /** Told of every request of the program. */
  #watch: (request: RequestLog) => void = () => {};
  #figures = {
    runs: 0,
    posts: 0,
    kills: { random: 0, in_flight: 0 },
    takeovers: 0,
    crossed: 0,
    locked: 0,
    stops: [] as number[],
    unknown: 0,
  };

  constructor(plan: RoundPlan) {
    this.#plan = plan;
  }

  async open(): Promise<void> {
    const { seed, disks, shared, jobDurationMs, queueMs } = this.#plan;
    this.#workspace = await Workspace.open({
      // One disk more than is declared, for strangers; and a second backup of each.
      seed: { volumes: disks + 1, backupsPerVolume: 2, jobDurationMs, queueMs, seed },
      onRequest: (request) => {
        if (request.route === 'restore') this.#figures.posts++;
        this.#watch(request);
      },
    });
    this.workspace.write('vbsctl.yaml', configOf(this.#plan));
    const { volumes, backups } = this.workspace.cloud.world();
    const all = Object.values(volumes).slice(0, disks);
    for (const [n, volume] of all.entries()) {
      const source = shared.includes(n) ? all[n - 1] : volume;
      const backup = Object.values(backups).find(({ volume_id }) => volume_id === source?.id);
      if (!backup) throw new Error('a disk without a backup');
      this.#wanted.push({
        address: `night/disk-${n}`,
        volume_id: volume.id,
        backup_id: backup.id,
        generation: 1,
        earlierJobs: 0,
      });
    }
    this.#declare();
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      child.kill('SIGKILL');
      await child.done;
    }
    if (this.#violations.length > 0) {
      this.workspace.write('audit.json', JSON.stringify(this.workspace.cloud.audit(), undefined, 2));
      this.#say(`kept: ${this.workspace.folder}`);
    }
    await this.workspace.close(this.#violations.length > 0);
  }

  result(): Round {
    const audit = this.#lastAudit;
    const faults: Record<string, number> = {};
    const started = audit?.restores.filter(({ started_at }) => started_at !== null) ?? [];
    for (const { kind } of audit?.faults ?? []) faults[kind] = (faults[kind] ?? 0) + 1;
    return {
      plan: this.#plan,
      violations: this.#violations,
      log: this.#log,
      figures: {
        ...this.#figures,
        similarRestores: this.#similarRestores.size,
        restores: this.#wanted.length,
        starts: started.length,
        duplicated: started.length - new Set(started.map(({ request_id }) => request_id)).size,
        faults,
      },
    };
  }

  violation(violation: BrokenPromise): void {
    this.#violations.push(violation);
    this.#say(`VIOLATION ${violation.kind}: ${violation.what}`);
  }

  async play(): Promise<void> {
    await this.#expectDone(await this.#run('init'));
    await this.workspace.cloud.setFaults(this.#faults());
    for (const act of this.#plan.acts) {
      await this.#settle();
      await this.#giveWork();
      await this.#perform(act);
      await this.workspace.cloud.setFaults(this.#faults());
      await this.#judge();
      if (this.#violations.length > 0) return;
    }
    await this.#converge();
  }

  /** Backup → the disk that it was made of. */
  get #sources(): ReadonlyMap<string, string> {
    return new Map(
      Object.values(this.workspace.cloud.world().backups).map(({ id, volume_id }) => [id, volume_id]),
    );
  }

  get workspace(): Workspace {
    if (!this.#workspace) throw new Error('not open');
    return this.#workspace;
  }

  async #perform(act: Act): Promise<void> {
    switch (act.kind) {
      case 'kill':
        return this.#kill(act.when);
      case 'freeze':
        return this.#freeze(act);
      case 'crossed':
        return this.#crossed(act);
      case 'two':
        return this.#two(act);
      case 'stop':
        return this.#stop(act);
    }
  }

  async #kill(when: Moment): Promise<void> {
    const { child, ended } = await this.#until(when, (running) => running.kill('SIGKILL'));
    const { code } = await ended;
    if (code === null) this.#figures.kills[when.at === 'time' ? 'random' : 'in_flight']++;
    this.#say(
      `pid ${child.pid} ${code === null ? 'killed' : `ended with ${code} before it could be killed`}, ${told(when)}`,
    );
  }

  async #stop({ when, signal, twice }: Act & { kind: 'stop' }): Promise<void> {
    let asked: number | undefined;
    const { ended } = await this.#until(when, (running) => {
      asked = performance.now();
      running.kill(signal);
      if (twice) setTimeout(() => running.kill(signal), 50);
    });
    const { code } = await ended;
    const took = asked === undefined ? undefined : Math.round(performance.now() - asked);
    this.#say(`${signal}${twice ? ' twice' : ''}, ${told(when)}: ${code} after ${took} ms`);
    // It may have ended by itself before the signal came.
    if (code === INTERRUPTED && took !== undefined) this.#figures.stops.push(took);
    else if (code === null) this.violation({ kind: 'unfinished', what: `died of ${signal}` });
  }

  async #freeze({ when, wake }: Act & { kind: 'freeze' }): Promise<void> {
    let frozen = false;
    const first = await this.#until(when, (running) => {
      running.kill('SIGSTOP');
      frozen = true;
    });
    if (!frozen) {
      this.#say(`ended with ${(await first.ended).code} before it could be frozen`);
      return;
    }
    // Its request is answered, or never is, while it sleeps.
    await this.workspace.cloud.setFaults(this.#faults());
    const { lock } = JSON.parse((await this.#run('status', '--output', 'json')).stdout);
    if (lock) await this.#expectDone(await this.#run('unlock', lock.id, '--auto-approve'));
    const second = this.#start();
    if (wake !== 'after') await Promise.race([sleep(wake.ms), second.done]);
    else await second.done;
    const over = wake === 'after' ? await this.#records() : undefined;
    const posts = this.#figures.posts;
    first.child.kill('SIGCONT');
    const [one, other] = await Promise.all([first.ended, this.#end(second)]);
    if (lock) this.#figures.takeovers++;
    this.#say(`frozen ${told(when)}, taken over (second: ${other.code}), woken: ${one.code}`);
    if (over === undefined || !lock) return;
    if (this.#figures.posts > posts)
      this.violation({
        kind: 'double start',
        what: 'the woken run sent a restore after it had been taken over',
      });
    if (JSON.stringify(await this.#records()) !== JSON.stringify(over))
      this.violation({ kind: 'lost', what: 'the woken run changed what the second had recorded' });
    if (one.code === DONE && other.code !== DONE)
      this.violation({ kind: 'false success', what: 'the woken run ended with 0' });
  }

  async #crossed({
    disk,
    effect,
    after_ms,
    gap_ms,
    first,
    from,
    kill_ms,
  }: Act & { kind: 'crossed' }): Promise<void> {
    const wanted = this.#wanted[disk];
    if (!wanted || this.#wanted.filter(({ backup_id }) => backup_id === wanted.backup_id).length > 1) return;
    const { volume_id, backup_id } = wanted;
    const { backups, volumes } = this.workspace.cloud.world();
    const other = Object.values(backups).find(
      ({ id, volume_id: source }) =>
        !this.#wanted.some((one) => one.backup_id === id) && (source === volume_id) === (from === 'own'),
    );
    const elsewhere = Object.keys(volumes).at(-1);
    if (!other || elsewhere === undefined) return;
    const { cloud } = this.workspace;
    await cloud.perform({ action: 'set-timing', backup_id: other.id, job_duration_ms: STRANGER_MS });
    const when = effect === 'never' ? 'before' : 'after';
    const lost: FaultRule = {
      name: 'lost',
      match: { route: 'restore', volume_id },
      effect: { kind: 'reset', when },
    };
    await cloud.setFaults({ rules: [lost] });
    const asked = new Promise<void>((resolve) => {
      this.#watch = ({ route, path }) => {
        if (route === 'restore' && path.includes(backup_id)) resolve();
      };
    });
    const child = this.#start();
    const ended = this.#end(child);
    if ((await Promise.race([asked.then(() => 'asked'), ended])) !== 'asked') {
      this.#say(`disk ${disk} was not asked for, so no strangers come`);
      return;
    }
    if (kill_ms !== undefined) setTimeout(() => child.kill('SIGKILL'), kill_ms);
    await sleep(after_ms);
    const intoDisk = () => cloud.perform({ action: 'restore', volume_id, backup_id: other.id });
    const fromBackup = () => cloud.perform({ action: 'restore', volume_id: elsewhere, backup_id });
    const [one, two] = first === 'disk' ? [intoDisk, fromBackup] : [fromBackup, intoDisk];
    const begun = [await one()];
    if (gap_ms > 0) await sleep(gap_ms);
    begun.push(await two());
    if (begun.every(({ done }) => done)) this.#figures.crossed++;
    const { code } = await ended;
    if (code === null) this.#figures.kills.random++;
    this.#say(
      `strangers cross ${first} first, ${gap_ms} ms apart, from a backup that is ${from} (${begun.map(({ done }) => (done ? 'taken on' : 'refused')).join(', ')}): ${code}`,
    );
  }

  async #two({ patient, apart_ms }: Act & { kind: 'two' }): Promise<void> {
    const first = this.#start();
    await sleep(apart_ms);
    const second = this.#start(...(patient ? ['--lock-timeout', '80s'] : []));
    const codes = (await Promise.all([this.#end(first), this.#end(second)])).map(({ code }) => code);
    this.#figures.locked += codes.filter((code) => code === LOCKED).length;
    this.#say(`two at once${patient ? ', the second waits' : ''}: ${codes.join(' and ')}`);
    if (patient && codes[1] === LOCKED)
      this.violation({ kind: 'unfinished', what: 'it did not wait for the lock' });
  }

  /** Run by run, with a person who settles what is unknown, as the cloud's support would tell him. */
  async #converge(): Promise<void> {
    for (let n = 0; n < RUNS_TO_CONVERGE_MAX; n++) {
      const { code } = await this.#end(this.#start());
      await this.#judge();
      if (this.#violations.length > 0) return;
      if (code === DONE) break;
      await this.#settle();
    }
    const audit = this.workspace.cloud.audit();
    for (const violation of judgeEnd(this.#wanted, await this.#records(), audit)) this.violation(violation);
    const again = await this.#run('apply', '--auto-approve');
    if (!again.stdout.includes('Nothing to do'))
      this.violation({ kind: 'unfinished', what: `another apply ended with ${again.code}` });
  }

  /** Whatever waits for a person: unknown outcomes, and failures that may have written. */
  async #settle(): Promise<void> {
    const waiting = (await this.#records()).filter(
      ({ status, touched }) => status === 'unknown' || (status === 'failed' && touched === 'maybe'),
    );
    const broken = () =>
      this.workspace.cloud.audit().volumes.filter(({ status }) => status.startsWith('error'));
    if (waiting.length === 0 && broken().length === 0) return;
    await this.#quiet();
    await this.workspace.cloud.setFaults({});
    const audit = this.workspace.cloud.audit();
    for (const { id } of broken())
      await this.workspace.cloud.perform({ action: 'set-status', volume_id: id, status: 'available' });
    for (const { address, status, generation } of waiting) {
      const wanted = this.#wanted.find((one) => one.address === address);
      // Settled already when a later generation of it is asked for.
      if (!wanted || generation < wanted.generation) continue;
      if (status === 'unknown') this.#figures.unknown++;
      const last = jobsOf(wanted, audit).findLast(({ started_at }) => started_at !== null);
      const as = !last ? 'not-started' : last.outcome === 'succeeded' ? 'succeeded' : 'failed';
      if (status === 'unknown' || as !== 'failed')
        await this.#expectDone(
          await this.#run('resolve', address, '--as', as, '--reason', 'the cloud’s own record'),
        );
      this.#say(`${address} was ${status}; resolved as ${as}`);
      if (as === 'failed') this.#again(wanted);
    }
    await this.workspace.cloud.setFaults(this.#faults());
  }

  /** Where all is done there is nothing to disturb: a person asks for it once more. */
  async #giveWork(): Promise<void> {
    const records = await this.#records();
    const done = this.#wanted.filter(({ address, generation }) =>
      records.some(
        (one) => one.address === address && one.generation === generation && one.status === 'succeeded',
      ),
    );
    if (done.length < this.#wanted.length) return;
    await this.#quiet();
    for (const one of done) this.#again(one);
    this.#say(`all ${done.length} are done, and wanted once more`);
  }

  /** What the cloud did so far was for the generations before. Only when nothing is under way there. */
  #again(wanted: Wanted): void {
    wanted.earlierJobs += jobsOf(wanted, this.workspace.cloud.audit()).length;
    wanted.generation++;
    this.#declare();
  }

  /** Until nothing is under way in the cloud, and nothing can arrive there any more. */
  async #quiet(): Promise<void> {
    do await sleep(1_100);
    while (
      this.workspace.cloud
        .audit()
        .restores.some(({ outcome }) => outcome === 'queued' || outcome === 'running')
    );
  }

  #lastAudit: ReturnType<Workspace['cloud']['audit']> | undefined;

  async #judge(): Promise<void> {
    const audit = this.workspace.cloud.audit();
    this.#lastAudit = audit;
    const records = await this.#records();
    for (const violation of judgeStanding(this.#wanted, records, audit, this.#sources))
      this.violation(violation);
    for (const { address, generation } of similarRestores(this.#wanted, records, audit, this.#sources))
      this.#similarRestores.add(`${address} ${generation}`);
  }

  async #records(): Promise<ListedRecord[]> {
    const { stdout, stderr, code } = await this.#run('state', 'list', '--output', 'json');
    if (code !== DONE) throw new Error(`the state cannot be read: ${stderr}`);
    return JSON.parse(stdout).records;
  }

  /** An `apply` to which something happens at a moment, or not, should it end before. */
  async #until(
    when: Moment,
    happen: (running: Running) => void,
  ): Promise<{ child: Running; ended: Promise<Finished> }> {
    let fired = false;
    let asked = false;
    let restores = 0;
    const fire = () => {
      if (fired) return;
      fired = true;
      this.#watch = () => {};
      happen(child);
    };
    if (when.at === 'in_flight') await this.workspace.cloud.setFaults(this.#faults(ruleOf(when)));
    this.#watch = (request) => {
      if (when.at === 'time' && !asked) setTimeout(fire, when.ms);
      asked = true;
      if (request.route === 'restore') restores++;
      if (when.at === 'answer' && request.route === 'restore' && restores === when.nth) fire();
      if (when.at === 'in_flight' && request.route === 'restore' && restores === when.nth) fire();
    };
    const child = this.#start();
    const ended = this.#end(child).finally(() => {
      fired = true;
      this.#watch = () => {};
    });
    while (!fired) await Promise.race([ended, sleep(5)]);
    return { child, ended };
  }

  #start(...more: string[]): Running {
    this.#figures.runs++;
    const running = this.workspace.start('apply', '--auto-approve', ...more);
    this.#children.add(running);
    return running;
  }

  /** How a run of `apply` ended; one that does not end is a violation. */
  async #end(running: Running): Promise<Finished> {
    const timer = setTimeout(() => {
      this.violation({ kind: 'unfinished', what: `pid ${running.pid} does not end` });
      running.kill('SIGKILL');
    }, RUN_MS_MAX);
    const finished = await running.done;
    clearTimeout(timer);
    this.#children.delete(running);
    this.workspace.write(
      `out-${this.#figures.runs}-${running.pid}.txt`,
      `${finished.stdout}\n-- stderr, exit ${finished.code} --\n${finished.stderr}`,
    );
    if (finished.stderr.includes('this is a bug'))
      this.violation({ kind: 'unfinished', what: `it crashed: ${finished.stderr.slice(0, 2_000)}` });
    if (![null, 0, 1, UNKNOWN, LOCKED, 5, 6, INTERRUPTED].includes(finished.code))
      this.violation({
        kind: 'unfinished',
        what: `exit ${finished.code}: ${finished.stderr.slice(0, 2_000)}`,
      });
    return finished;
  }

  #run(...args: string[]): Promise<Finished> {
    return this.workspace.run(...args);
  }

  async #expectDone({ code, stdout, stderr }: Finished): Promise<void> {
    if (code !== DONE) throw new Error(`exit ${code}: ${stderr}${stdout}`);
  }

  #faults(...rules: FaultRule[]): FaultPlan {
    return { rules, seeded: this.#plan.faults };
  }

  #declare(): void {
    const entries = this.#wanted.map(
      ({ address, volume_id, backup_id, generation }) =>
        `    - {name: ${address.split('/')[1]}, volume_id: ${volume_id}, backup_id: ${backup_id}, generation: ${generation}}\n`,
    );
    this.workspace.write(
      'restores.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: night}\nspec:\n  restores:\n${entries.join('')}`,
    );
  }

  #say(line: string): void {
    this.#log.push(`${((Date.now() - this.#began) / 1_000).toFixed(1).padStart(6)} s  ${line}`);
  }
}

function ruleOf({ nth, effect }: Moment & { at: 'in_flight' }): FaultRule {
  return {
    name: 'in flight',
    match: { route: 'restore' },
    after: nth - 1,
    effect:
      typeof effect === 'object'
        ? { kind: 'late_start', after_ms: effect.late_ms }
        : { kind: 'hang', when: effect === 'never' ? 'before' : 'after', for_ms: HANG_MS },
  };
}

function told(when: Moment): string {
  switch (when.at) {
    case 'time':
      return `${when.ms} ms after its first request`;
    case 'answer':
      return `as answer ${when.nth} left`;
    case 'in_flight': {
      const { effect } = when;
      const what = typeof effect === 'object' ? `acts ${effect.late_ms} ms later` : `acted: ${effect}`;
      return `while request ${when.nth} was in flight (the cloud ${what})`;
    }
  }
}

function configOf({ api, settleMs, parallelism, afterAmbiguous }: RoundPlan): string {
  return `apiVersion: vbsctl.dev/v1
kind: Config
api: ${api}
state: vbsctl.state.json
apply: {parallelism: ${parallelism}, requests_per_second: 1000, max_failures: 0}
retry: {settle: ${settleMs}ms, min_delay: 50ms, max_delay: 500ms, give_up_after: 30s, after_ambiguous: ${afterAmbiguous}}
poll: {min_interval: 50ms, max_interval: 200ms}
http: {connect_timeout: 1s, request_timeout: 2s}
`;
}
