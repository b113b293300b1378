/**
 * Which restores may begin, as data without time: at most `parallelism` at once, one at a time per disk and per
 * backup (on a real Cinder, restores of one backup sent together mostly end in `error`), dependants after what
 * they depend on. Every step costs what it moves: ten thousand restores are scheduled in linear time.
 */
export interface Task {
  readonly id: string;
  /** Held from begin to end, each by one task. */
  readonly resources: readonly string[];
  /** Ids that must have ended well before. */
  readonly depends_on: readonly string[];
}

export class Schedule<T extends Task> {
  readonly #parallelism: number;
  readonly #ready: T[] = [];
  /** Resource → tasks parked until it is free. */
  readonly #parked = new Map<string, T[]>();
  readonly #held = new Map<string, string>();
  readonly #unmet = new Map<string, number>();
  readonly #dependants = new Map<string, T[]>();
  readonly #fulfilled: Set<string>;
  #next = 0;
  #running = 0;
  readonly #open = new Map<string, T>();

  /** `done`: ids outside the tasks that dependencies may name and that are fulfilled. */
  constructor(tasks: readonly T[], done: ReadonlySet<string>, parallelism: number) {
    this.#parallelism = parallelism;
    this.#fulfilled = new Set(done);
    for (const task of tasks) {
      this.#open.set(task.id, task);
      const open = task.depends_on.filter((id) => !done.has(id));
      this.#unmet.set(task.id, open.length);
      for (const id of open) {
        const list = this.#dependants.get(id);
        if (list) list.push(task);
        else this.#dependants.set(id, [task]);
      }
      if (open.length === 0) this.#ready.push(task);
    }
  }

  /** Whether what is called so is done, or was a task that ended well. */
  isFulfilled(id: string): boolean {
    return this.#fulfilled.has(id);
  }

  /** Everything that may begin now; it counts as begun. What `may` says no to is not asked again: it never begins. */
  begin(may: (task: T) => boolean): T[] {
    const begun: T[] = [];
    while (this.#running < this.#parallelism) {
      const task = this.#ready[this.#next];
      if (!task) break;
      this.#next++;
      if (!this.#open.has(task.id) || !may(task)) continue;
      const busy = task.resources.find((resource) => this.#held.has(resource));
      if (busy !== undefined) {
        const waiting = this.#parked.get(busy);
        if (waiting) waiting.push(task);
        else this.#parked.set(busy, [task]);
        continue;
      }
      for (const resource of task.resources) this.#held.set(resource, task.id);
      this.#open.delete(task.id);
      this.#running++;
      begun.push(task);
    }
    return begun;
  }

  /** A begun task ended. `release`: its disk and backup are free again (not while the cloud still works on them). */
  end(task: T, result: { readonly fulfilled: boolean; readonly release: boolean }): void {
    this.#running--;
    if (result.release) {
      for (const resource of task.resources) {
        this.#held.delete(resource);
        const waiting = this.#parked.get(resource);
        if (!waiting) continue;
        this.#parked.delete(resource);
        this.#ready.push(...waiting);
      }
    }
    if (!result.fulfilled) return;
    this.#fulfilled.add(task.id);
    for (const dependant of this.#dependants.get(task.id) ?? []) {
      const unmet = (this.#unmet.get(dependant.id) ?? 0) - 1;
      this.#unmet.set(dependant.id, unmet);
      if (unmet === 0) this.#ready.push(dependant);
    }
  }

  /** Never begun, and why; meaningful when nothing runs and nothing begins any more. */
  leftOver(): { readonly task: T; readonly why: 'busy' | 'dependency' }[] {
    const parked = new Set([...this.#parked.values()].flat().map((task) => task.id));
    return [...this.#open.values()].map((task) => ({
      task,
      why: parked.has(task.id) ? 'busy' : 'dependency',
    }));
  }
}
