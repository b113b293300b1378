import type { SearchMessage } from './seed-search.ts';
import { compileTexts } from './sources.ts';
import { ScenarioThread } from './threads.ts';

/** The seed that noticed a mutant, and by which promise. */
export interface Detection {
  readonly seed: number;
  readonly clause: string;
}

const SEARCH = 'test/simulation/seed-search.ts';
/** A scenario that takes longer than this (real time, ms) does not end. */
const SCENARIO_MS_MAX = 30_000;

export function openSearchThreads(count: number): Promise<ScenarioThread[]> {
  return ScenarioThread.open(count, SEARCH);
}

/** Plays the seeds with these files broken; the first that notices it, or undefined when all passed. */
export async function findSeed(
  thread: ScenarioThread,
  broken: ReadonlyMap<string, string>,
  seeds: readonly number[],
): Promise<Detection | undefined> {
  let detected: (Detection & { readonly what: string }) | undefined;
  let running = seeds[0] ?? 0;
  const work = { entry: SEARCH, replaced: await compileTexts(broken), input: seeds };
  const hear = (message: SearchMessage) => {
    if (message.kind === 'running') running = message.seed;
    else detected = message;
  };
  const end = await thread.run(work, hear, SCENARIO_MS_MAX);
  // What a broken program throws where nobody can catch it is noticed, too; and so is one that does not end.
  if (end.kind === 'died') detected ??= { seed: running, clause: 'bug', what: String(end.error) };
  if (end.kind === 'silent') detected ??= { seed: running, clause: 'run-ends', what: '' };
  if (!detected) return undefined;
  const { seed, clause, what } = detected;
  // Such a mutant fails because of how it is written, not of the rule.
  if (/\b(Reference|Type)Error\b/.test(what))
    throw new Error(`a rule is broken by code that cannot run: ${what}`);
  return { seed, clause };
}
