import fc from 'fast-check';
import type { RootHookObject } from 'mocha';
import { killLeftRunning } from './e2e/left-running.ts';

/**
 * Property tests draw the same inputs at each run, so that a change is judged and not luck. `VBSCTL_FUZZ_SEED=N` draws
 * others: N any whole number, `random` a new one each time; a counterexample found so becomes a test of its own.
 */
const asked = process.env.VBSCTL_FUZZ_SEED;
if (asked !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(asked ?? 20261125) });

export const mochaHooks: RootHookObject = {
  afterAll() {
    const left = killLeftRunning();
    if (left.length > 0) throw new Error(`these programs were left running: ${left.join(' | ')}`);
  },
};
