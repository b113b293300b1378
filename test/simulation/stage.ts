import type { Plan } from '../../src/domain/plan.ts';
import { startPlan } from '../../src/emulator/faults.ts';
import { Happenings } from './happenings.ts';
import { Person } from './person.ts';
import { Scene } from './scene.ts';
import { SimProgram } from './sim-program.ts';
import type { Chapter, Story } from './story.ts';
import { Traffic } from './traffic.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Quiet runs until everything declared has to be settled. */
const QUIET_RUNS_MAX = 12;

/** Plays a story: the real program but its command line, over a cloud, a network, a disk and a clock of its own. */
export class Stage {
  readonly scene: Scene;
  readonly #traffic: Traffic;
  readonly #program: SimProgram;
  readonly #person: Person;
  readonly #happenings: Happenings;

  constructor(story: Story) {
    this.scene = new Scene(story);
    this.#traffic = new Traffic(this.scene);
    this.#program = new SimProgram(this.scene, this.#traffic);
    this.#person = new Person(this.scene, this.#program, this.#traffic);
    this.#happenings = new Happenings(this.scene, this.#program, this.#traffic);
  }

  async play(): Promise<void> {
    await this.scene.clock.until(this.#play());
  }

  async #play(): Promise<void> {
    const { story, checker } = this.scene;
    for (const chapter of story.chapters) {
      await this.#chapter(chapter);
      if (checker.violations.length > 0) return;
    }
    await this.#quietly();
  }

  async #chapter({ edits, machine, person, command, fates, meanwhile, ...chapter }: Chapter): Promise<void> {
    const { scene } = this;
    this.#edit(edits);
    if (person) await this.#person.settleOpen();
    const process = scene.begin(machine, command, fates);
    for (const happening of meanwhile) void this.#happenings.happen(happening, process);
    await scene.until(process, this.#program.command(process, command, chapter.lock_timeout_ms));
    await scene.clock.sleep(chapter.pause_ms);
    // A dead owner's lock on another machine is freed by a person only.
    if (process.isDead) scene.place.unlock();
  }

  #edit(edits: Chapter['edits']): void {
    const { manifest, coverage, note, protect } = this.scene;
    for (const edit of edits) {
      if (edit.kind === 'protect') protect(edit.entry);
      else manifest.edit(edit);
      note(`the manifest: ${edit.kind}`);
    }
    for (const { kind } of edits) coverage.edited(kind, manifest.addresses());
  }

  /** No faults any more, everybody helps: what is declared has to come to its end. */
  async #quietly(): Promise<void> {
    const { scene } = this;
    const { clock, checker, place } = scene;
    await clock.sleep(10 * MINUTE);
    await Promise.all(scene.pending);
    this.#endTrouble();
    for (let round = 0; round < QUIET_RUNS_MAX; round++) {
      // Everything that the cloud has begun comes to an end, and what never would is put right by its operators.
      await clock.sleep(2 * HOUR);
      this.#person.mendCloud();
      place.unlock();
      await this.#person.settleOpen({ impatient: round > 2, orphans: round > 0 });
      await this.#run('wait');
      let open = ['no plan'];
      await this.#run('apply', ({ actions }) => {
        open = actions.filter(({ kind }) => kind !== 'noop').map(({ address }) => address);
        checker.followed(actions);
        this.#person.unblock(actions);
      });
      if (checker.violations.length > 0 || open.length === 0) return;
    }
    checker.found('restores-end', `still open after ${QUIET_RUNS_MAX} quiet runs`);
  }

  #endTrouble(): void {
    const { scene } = this;
    scene.quiet = true;
    scene.checker.quiet();
    scene.protected.clear();
    scene.world.faults = startPlan({});
    this.#traffic.network.down = false;
    if (scene.bucket) scene.bucket.bucket.quiet = true;
    scene.operate({ action: 'settings', settings: { service_up: true } });
    scene.note('quiet times');
  }

  /** A command that nothing disturbs. */
  #run(command: 'wait' | 'apply', seen?: (plan: Plan) => void): Promise<void> {
    const process = this.scene.begin(0, command, []);
    return this.scene.until(process, this.#program.command(process, command, 0, seen));
  }
}
