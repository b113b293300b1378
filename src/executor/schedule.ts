import { append } from '../domain/append.ts';

export interface ScheduledTask {
  readonly id: string;
  /** Each is held by one task at a time, from its begin to its end. */
  readonly resources: readonly string[];
  /** Ids of tasks that must have succeeded before. */
  readonly depends_on: readonly string[];
}

/**
 * Decides which restores may begin, without a clock: at most `parallelism` at once, one at a time for each volume and
 * backup (on a real Cinder, restores of one backup sent together mostly end in `error`), and dependants after their
 * dependencies. Ten thousand restores are scheduled in linear time.
 */
export class Schedule<T extends ScheduledTask> {
  readonly #parallelism: number;
  readonly #ready: T[] = [];
  /** Resource → tasks that wait until it is free. */
  readonly #blockedOn = new Map<string, T[]>();
  readonly #held = new Map<string, string>();
  readonly #unmet = new Map<string, number>();
  readonly #dependants = new Map<string, T[]>();
  readonly #succeeded: Set<string>;
  #next = 0;
  #running = 0;
  readonly #open = new Map<string, T>();

  /** `done`: ids of dependencies that are no tasks and have succeeded. */
  constructor(tasks: readonly T[], done: ReadonlySet<string>, parallelism: number) {
    this.#parallelism = parallelism;
    this.#succeeded = new Set(done);
    for (const task of tasks) {
      this.#open.set(task.id, task);
      const open = task.depends_on.filter((id) => !done.has(id));
      this.#unmet.set(task.id, open.length);
      for (const id of open) append(this.#dependants, id, task);
      if (open.length === 0) this.#ready.push(task);
    }
  }

  /** Whether this id is in `done` or is of a task that succeeded. */
  hasSucceeded(id: string): boolean {
    return this.#succeeded.has(id);
  }

  /** The tasks that begin now. A task for which `isAllowed` returns false never begins. */
  begin(isAllowed: (task: T) => boolean): T[] {
    const begun: T[] = [];
    while (this.#running < this.#parallelism) {
      const task = this.#ready[this.#next];
      if (!task) break;
      this.#next++;
      if (!this.#open.has(task.id) || !isAllowed(task)) continue;
      const busy = task.resources.find((resource) => this.#held.has(resource));
      if (busy !== undefined) {
        append(this.#blockedOn, busy, task);
        continue;
      }
      for (const resource of task.resources) this.#held.set(resource, task.id);
      this.#open.delete(task.id);
      this.#running++;
      begun.push(task);
    }
    return begun;
  }

  /** Ends a begun task. `release`: frees its resources (not while the cloud still works on them). */
  end(task: T, result: { readonly succeeded: boolean; readonly release: boolean }): void {
    this.#running--;
    if (result.release) {
      for (const resource of task.resources) {
        this.#held.delete(resource);
        const waiting = this.#blockedOn.get(resource);
        if (!waiting) continue;
        this.#blockedOn.delete(resource);
        this.#ready.push(...waiting);
      }
    }
    if (!result.succeeded) return;
    this.#succeeded.add(task.id);
    for (const dependant of this.#dependants.get(task.id) ?? []) {
      const unmet = (this.#unmet.get(dependant.id) ?? 0) - 1;
      this.#unmet.set(dependant.id, unmet);
      if (unmet === 0) this.#ready.push(dependant);
    }
  }

  /** The tasks that never began, and why. To be called when no task runs and none may begin. */
  unstarted(): { readonly task: T; readonly why: 'busy' | 'dependency' }[] {
    const blocked = new Set([...this.#blockedOn.values()].flat().map((task) => task.id));
    return [...this.#open.values()].map((task) => ({
      task,
      why: blocked.has(task.id) ? 'busy' : 'dependency',
    }));
  }
}
