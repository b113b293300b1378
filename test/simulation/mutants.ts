import type { Hunt, HuntMessage } from './hunter.ts';
import { compilePatched, type Patch } from './sources.ts';
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

/** Plays the seeds with the rules broken; the first that notices it, or undefined when all were fooled. */
export async function hunt(
  thread: PlayThread,
  patches: readonly Patch[],
  seeds: Hunt,
): Promise<Catch | undefined> {
  let caught: Catch | undefined;
  let playing = seeds.from;
  const work = { entry: HUNTER, replaced: await compilePatched(patches), input: seeds };
  const hear = (message: HuntMessage) => {
    if (message.kind === 'playing') playing = message.seed;
    else if (message.what.includes('ReferenceError'))
      throw new Error(`the patch uses a name that its file does not have: ${message.what}`);
    else caught = { seed: message.seed, clause: message.clause };
  };
  const { kind } = await thread.play(work, hear, STORY_MS_MAX);
  if (kind === 'done' || caught) return caught;
  // What a broken program throws where nobody can catch it is noticed, too; and so is one that does not end.
  return { seed: playing, clause: kind === 'died' ? 'bug' : 'run-ends' };
}
