import type { Plan } from '../../src/domain/plan.ts';
import { startPlan } from '../../src/emulator/faults.ts';
import { ConcurrentEvents } from './concurrent-events.ts';
import { Environment } from './environment.ts';
import { ObservedNetwork } from './observed-network.ts';
import { Operator } from './operator.ts';
import type { Scenario, Step } from './scenario.ts';
import { SimProgram } from './sim-program.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Runs in the final phase until everything declared has to be settled. */
const FINAL_RUNS_MAX = 12;

/** Plays a scenario: the real program but its command line, over a cloud, a network, a disk and a clock of its own. */
export class ScenarioRunner {
  readonly environment: Environment;
  readonly #observedNetwork: ObservedNetwork;
  readonly #program: SimProgram;
  readonly #operator: Operator;
  readonly #concurrentEvents: ConcurrentEvents;

  constructor(scenario: Scenario) {
    this.environment = new Environment(scenario);
    this.#observedNetwork = new ObservedNetwork(this.environment);
    this.#program = new SimProgram(this.environment, this.#observedNetwork);
    this.#operator = new Operator(this.environment, this.#program, this.#observedNetwork);
    this.#concurrentEvents = new ConcurrentEvents(this.environment, this.#program, this.#observedNetwork);
  }

  async run(): Promise<void> {
    await this.environment.clock.until(this.#run());
  }

  async #run(): Promise<void> {
    const { scenario, checker } = this.environment;
    for (const step of scenario.steps) {
      await this.#step(step);
      if (checker.violations.length > 0) return;
    }
    await this.#finalPhase();
  }

  async #step({ edits, machine, operator, command, processFaults, meanwhile, ...step }: Step): Promise<void> {
    const { environment } = this;
    this.#edit(edits);
    if (operator) await this.#operator.settleOpen();
    const process = environment.begin(machine, command, processFaults);
    for (const event of meanwhile) void this.#concurrentEvents.trigger(event, process);
    await environment.until(process, this.#program.command(process, command, step.lock_timeout_ms));
    await environment.clock.sleep(step.pause_ms);
    // A dead owner's lock on another machine is freed by an operator only.
    if (process.isDead) environment.store.unlock();
  }

  #edit(edits: Step['edits']): void {
    const { manifest, coverage, note, protect } = this.environment;
    for (const edit of edits) {
      if (edit.kind === 'protect') protect(edit.entry);
      else manifest.edit(edit);
      note(`the manifest: ${edit.kind}`);
    }
    for (const { kind } of edits) coverage.edited(kind, manifest.addresses());
  }

  /** No faults any more, everybody helps: what is declared has to come to its end. */
  async #finalPhase(): Promise<void> {
    const { environment } = this;
    const { clock, checker, store } = environment;
    await clock.sleep(10 * MINUTE);
    await Promise.all(environment.pending);
    this.#endTrouble();
    for (let round = 0; round < FINAL_RUNS_MAX; round++) {
      // Everything that the cloud has begun comes to an end, and what never would is put right by its operators.
      await clock.sleep(2 * HOUR);
      this.#operator.repairCloud();
      store.unlock();
      await this.#operator.settleOpen({ impatient: round > 2, orphans: round > 0 });
      await this.#runCommand('wait');
      let open = ['no plan'];
      await this.#runCommand('apply', ({ actions }) => {
        open = actions.filter(({ kind }) => kind !== 'noop').map(({ address }) => address);
        checker.followed(actions);
        this.#operator.unblock(actions);
      });
      if (checker.violations.length > 0 || open.length === 0) return;
    }
    checker.found('restores-end', `still open after ${FINAL_RUNS_MAX} runs of the final phase`);
  }

  #endTrouble(): void {
    const { environment } = this;
    environment.isFinalPhase = true;
    environment.checker.beginFinalPhase();
    environment.protected.clear();
    environment.world.faults = startPlan({});
    this.#observedNetwork.network.down = false;
    if (environment.bucket) environment.bucket.bucket.isFinalPhase = true;
    environment.operate({ action: 'settings', settings: { service_up: true } });
    environment.note('final phase');
  }

  /** A command that nothing disturbs. */
  #runCommand(command: 'wait' | 'apply', seen?: (plan: Plan) => void): Promise<void> {
    const process = this.environment.begin(0, command, []);
    return this.environment.until(process, this.#program.command(process, command, 0, seen));
  }
}
