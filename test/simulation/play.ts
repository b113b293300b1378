import type { Residue, Violation } from './checker.ts';
import type { Matrix } from './coverage.ts';
import type { Endings } from './endings.ts';
import { Stage } from './stage.ts';
import { type DrawOptions, drawStory, type Story } from './story.ts';

/** What one story came to. */
export interface Played {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly residue: ReadonlyMap<Residue, number>;
  readonly endings: Endings;
  readonly matrix: Matrix;
  readonly faults: ReadonlyMap<string, number>;
  readonly runs: number;
  readonly crashes: number;
  readonly log: readonly string[];
}

/** Start here: a seed, the story drawn from it, and how it went. The same seed goes the same way, always. */
export function playSeed(seed: number, options?: DrawOptions): Promise<Played> {
  return play(drawStory(seed, options));
}

export async function play(story: Story): Promise<Played> {
  const stage = new Stage(story);
  try {
    await stage.play();
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    stage.scene.checker.found(text.includes('deadlock') ? 'run-ends' : 'bug', text);
  }
  const { checker, coverage, runs, crashes, log } = stage.scene;
  return {
    seed: story.seed,
    violations: checker.violations,
    residue: checker.residue,
    endings: checker.endings(),
    matrix: coverage.matrix,
    faults: coverage.faults,
    runs,
    crashes,
    log,
  };
}
