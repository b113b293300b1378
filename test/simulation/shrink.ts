import type { Clause } from './checker.ts';
import type { ScenarioResult } from './run-scenario.ts';
import type { Scenario, Step } from './scenario.ts';

/**
 * The shortest scenario found that still breaks the same promise: faults, steps and everything in them are left out
 * one after the other, as long as it does.
 */
export async function shrink(
  scenario: Scenario,
  clause: Clause,
  runScenario: (scenario: Scenario) => Promise<ScenarioResult>,
): Promise<Scenario> {
  let shortest = scenario;
  for (let shorter = true; shorter; ) {
    shorter = false;
    for (const candidate of shorterOnes(shortest)) {
      const { violations } = await runScenario(candidate);
      if (violations[0]?.clause !== clause) continue;
      shortest = candidate;
      shorter = true;
      break;
    }
  }
  return shortest;
}

/** Each a little shorter or plainer than the scenario. */
function* shorterOnes(scenario: Scenario): Generator<Scenario> {
  for (const steps of without(scenario.steps)) yield { ...scenario, steps };
  for (const faults of without(scenario.faults)) yield { ...scenario, faults };
  const { bucket, ...inFile } = scenario;
  if (bucket) {
    yield inFile;
    for (const faults of without(bucket.faults)) yield { ...scenario, bucket: { ...bucket, faults } };
    for (const [index, fault] of bucket.faults.entries())
      if (fault.times > 1) {
        const faults = bucket.faults.map((one, i) => (i === index ? { ...fault, times: 1 } : one));
        yield { ...scenario, bucket: { ...bucket, faults } };
      }
    if (bucket.skews_ms.some((skew) => skew !== 0))
      yield { ...scenario, bucket: { ...bucket, skews_ms: [0, 0] } };
  }
  for (const [index, step] of scenario.steps.entries())
    for (const shorter of shorterSteps(step))
      yield { ...scenario, steps: scenario.steps.map((one, i) => (i === index ? shorter : one)) };
  if (scenario.manifest.length > 1)
    for (const manifest of without(scenario.manifest)) yield { ...scenario, manifest };
  if (scenario.disks > 1) yield { ...scenario, disks: scenario.disks - 1 };
  if (scenario.backups_per_disk > 1) yield { ...scenario, backups_per_disk: 1 };
  if (scenario.queue_ms > 0) yield { ...scenario, queue_ms: 0 };
  if (scenario.date !== 0) yield { ...scenario, date: 0 };
  if (scenario.token_ttl_ms < 3_600_000) yield { ...scenario, token_ttl_ms: 3_600_000 };
  for (const key of Object.keys(scenario.settings)) {
    const { [key as keyof Scenario['settings']]: _, ...settings } = scenario.settings;
    yield { ...scenario, settings };
  }
  for (const [index, fault] of scenario.faults.entries())
    if (fault.times > 1)
      yield {
        ...scenario,
        faults: scenario.faults.map((one, i) => (i === index ? { ...fault, times: 1 } : one)),
      };
}

function* shorterSteps(step: Step): Generator<Step> {
  for (const edits of without(step.edits)) yield { ...step, edits };
  for (const processFaults of without(step.processFaults)) yield { ...step, processFaults };
  for (const meanwhile of without(step.meanwhile)) yield { ...step, meanwhile };
  if (step.command !== 'apply') yield { ...step, command: 'apply' };
  if (step.machine !== 0) yield { ...step, machine: 0 };
  if (step.operator) yield { ...step, operator: false };
}

function* without<T>(list: readonly T[]): Generator<readonly T[]> {
  for (const index of list.keys()) yield list.filter((_, i) => i !== index);
}
