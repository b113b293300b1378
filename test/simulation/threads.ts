import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { commonJs, compile, type Sources } from './sources.ts';
import type { ThreadMessage, Work } from './thread.ts';

/**
 * How a piece of work ended. `died`: something was thrown where nobody can catch it; `silent`: it told nothing for too
 * long.
 */
export type WorkEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'died'; readonly error: unknown }
  | { readonly kind: 'silent' };

/** A thread that does one piece of work after the other; a new one takes its place when it is stuck or dead. */
export class ScenarioThread {
  readonly #code: string;
  readonly #sources: Sources;
  #worker: Worker | undefined;

  private constructor(code: string, sources: Sources) {
    this.#code = code;
    this.#sources = sources;
  }

  /** So many, to run with these modules and all that they import. */
  static async open(count: number, ...entries: readonly string[]): Promise<ScenarioThread[]> {
    const inside = readFileSync(new URL('thread.ts', import.meta.url), 'utf8');
    const [code, sources] = await Promise.all([commonJs(inside), compile(...entries)]);
    return Array.from({ length: count }, () => new ScenarioThread(code, sources));
  }

  /** One at a time. Work that tells nothing for `silenceMs` (real time; default: for ever) is ended. */
  async run<Told>(work: Work, onTold: (told: Told) => void, silenceMs?: number): Promise<WorkEnd> {
    this.#worker ??= new Worker(this.#code, { eval: true, workerData: this.#sources });
    const worker = this.#worker;
    const end = await new Promise<WorkEnd>((resolve) => {
      const watchdog =
        silenceMs === undefined ? undefined : setTimeout(() => over({ kind: 'silent' }), silenceMs);
      const hear = (message: ThreadMessage<Told>) => {
        watchdog?.refresh();
        if (message.kind === 'told') onTold(message.told);
        else over(message);
      };
      const die = (error: unknown) => over({ kind: 'died', error });
      const over = (how: WorkEnd) => {
        clearTimeout(watchdog);
        worker.off('message', hear).off('error', die);
        resolve(how);
      };
      worker.on('message', hear).on('error', die);
      worker.postMessage(work);
    });
    if (end.kind !== 'done') await this.close();
    return end;
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    // What it still throws is of no interest any more.
    worker?.on('error', () => {});
    await worker?.terminate();
  }
}

/** Does the items in their order, each on the thread that is free first, and closes the threads. Ends with the first error. */
export async function onThreads<T>(
  threads: readonly ScenarioThread[],
  items: Iterable<T>,
  work: (item: T, thread: ScenarioThread) => Promise<void>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  const errors: unknown[] = [];
  const doAll = async (thread: ScenarioThread) => {
    for (let next = left.next(); !next.done && errors.length === 0; next = left.next())
      await work(next.value, thread);
  };
  // Each goes to its end before all are closed: work that goes on would open its thread again.
  await Promise.all(threads.map((thread) => doAll(thread).catch((error: unknown) => errors.push(error))));
  await Promise.all(threads.map((thread) => thread.close()));
  if (errors.length > 0) throw errors[0];
}
