import type { KnownException, Violation } from './checker.ts';
import type { Matrix } from './coverage.ts';
import type { Endings } from './endings.ts';
import { type DrawOptions, drawScenario, type Scenario } from './scenario.ts';
import { ScenarioRunner } from './scenario-runner.ts';

/** The result of one scenario. */
export interface ScenarioResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly exceptions: ReadonlyMap<KnownException, number>;
  readonly endings: Endings;
  readonly matrix: Matrix;
  readonly faults: ReadonlyMap<string, number>;
  readonly runs: number;
  readonly crashes: number;
  readonly log: readonly string[];
}

/** Start here: a seed, the scenario drawn from it, and how it went. The same seed goes the same way, always. */
export function runSeed(seed: number, options?: DrawOptions): Promise<ScenarioResult> {
  return runScenario(drawScenario(seed, options));
}

export async function runScenario(scenario: Scenario): Promise<ScenarioResult> {
  const runner = new ScenarioRunner(scenario);
  try {
    await runner.run();
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    runner.environment.checker.found(text.includes('deadlock') ? 'run-ends' : 'bug', text);
  }
  const { checker, coverage, runs, crashes, log } = runner.environment;
  return {
    seed: scenario.seed,
    violations: checker.violations,
    exceptions: checker.exceptions,
    endings: checker.endings(),
    matrix: coverage.matrix,
    faults: coverage.faults,
    runs,
    crashes,
    log,
  };
}
