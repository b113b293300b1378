import type { Hunt, HuntMessage } from './hunter.ts';
import { compileTexts } from './sources.ts';
import { PlayThread } from './threads.ts';

/** The seed that noticed a mutant, and by which promise. */
export interface Catch {
  readonly seed: number;
  readonly clause: string;
}

const HUNTER = 'test/simulation/hunter.ts';
/** A story that takes longer than this (real time, ms) does not end. */
const STORY_MS_MAX = 30_000;

export function huntThreads(count: number): Promise<PlayThread[]> {
  return PlayThread.open(count, HUNTER);
}

/** Plays the seeds with these files broken; the first that notices it, or undefined when all were fooled. */
export async function hunt(
  thread: PlayThread,
  broken: ReadonlyMap<string, string>,
  seeds: Hunt,
): Promise<Catch | undefined> {
  let caught: (Catch & { readonly what: string }) | undefined;
  let playing = seeds.from;
  const work = { entry: HUNTER, replaced: await compileTexts(broken), input: seeds };
  const hear = (message: HuntMessage) => {
    if (message.kind === 'playing') playing = message.seed;
    else caught = message;
  };
  const end = await thread.play(work, hear, STORY_MS_MAX);
  // What a broken program throws where nobody can catch it is noticed, too; and so is one that does not end.
  if (end.kind === 'died') caught ??= { seed: playing, clause: 'bug', what: String(end.error) };
  if (end.kind === 'silent') caught ??= { seed: playing, clause: 'run-ends', what: '' };
  if (!caught) return undefined;
  const { seed, clause, what } = caught;
  // Such a mutant fails because of how it is written, not of the rule.
  if (/\b(Reference|Type)Error\b/.test(what))
    throw new Error(`a rule is broken by code that cannot run: ${what}`);
  return { seed, clause };
}
