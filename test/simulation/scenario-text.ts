import type { Fault, Scenario, Step } from './scenario.ts';

/** A scenario as text, for whoever has to find out what went wrong in it. */
export function scenarioText(scenario: Scenario): string {
  const { seed, api, disks, backups_per_disk, job_ms, queue_ms, token_ttl_ms, date, settings, bucket } =
    scenario;
  return [
    `The scenario of seed ${seed}`,
    `  The cloud speaks ${api}; ${disks} disk(s) with ${backups_per_disk} backup(s) each; a restore waits ${queue_ms} ms in a queue and takes ${job_ms} ms.`,
    ...(token_ttl_ms < 3_600_000 ? [`  A token lasts ${token_ttl_ms} ms.`] : []),
    ...(date === 0 ? [] : [`  Its Date is ${date === 'missing' ? 'missing' : `${date} ms off`}.`]),
    ...(Object.keys(settings).length > 0 ? [`  Settings: ${words(settings)}.`] : []),
    ...(bucket
      ? [
          `  The state is in a bucket, its lock lasts ${bucket.ttl_ms} ms; the clocks are ${bucket.skews_ms.join(' and ')} ms off.`,
          ...bucket.faults.map(
            ({ op, after, times, effect }) =>
              `  ${ordinal(after, times)} of the store, ${op}: ${words(effect)}.`,
          ),
        ]
      : []),
    ...scenario.manifest.map(
      ({ set, name, disk, backup, generation, by_rule, after }) =>
        `  Declared: ${set}/${name}: disk ${disk} from backup ${backup}${by_rule ? ' (by a rule)' : ''}, generation ${generation}${after ? `, after ${after}` : ''}.`,
    ),
    ...scenario.faults.map((fault) => `  ${faultText(fault)}`),
    ...scenario.steps.flatMap((step, index) => stepLines(step, index + 1)),
  ].join('\n');
}

function faultText({ route, disk, after, times, effect }: Fault): string {
  const which = disk === undefined ? '' : ` of disk ${disk}`;
  return `${ordinal(after, times)} for ${route}${which}: ${words(effect)}.`;
}

function ordinal(after: number, times: number): string {
  return times === 1 ? `Request ${after + 1}` : `Requests ${after + 1} to ${after + times}`;
}

function stepLines(step: Step, number: number): string[] {
  const { command, machine, edits, operator, processFaults, meanwhile, pause_ms, lock_timeout_ms = 0 } = step;
  return [
    `  ${number}. vbsctl ${command} on ${machine === 0 ? 'alpha' : 'beta'}${lock_timeout_ms > 0 ? `, waiting for the lock up to ${lock_timeout_ms} ms` : ''}`,
    ...edits.map((edit) => `     The manifest before it: ${words(edit)}.`),
    ...(operator ? ['     An operator settled what was open before it.'] : []),
    ...processFaults.map((fault) => `     The process: ${words(fault)}.`),
    ...meanwhile.map(({ after_ms, ...what }) => `     ${after_ms} ms after its begin: ${words(what)}.`),
    ...(pause_ms > 0 ? [`     Then ${pause_ms} ms pass.`] : []),
  ];
}

/** `kind status, when before, at (op post, nth 1)` */
function words(what: object): string {
  return Object.entries(what)
    .map(([key, value]) =>
      key === 'kind'
        ? String(value)
        : typeof value === 'object' && value !== null
          ? `${key} (${words(value)})`
          : `${key} ${value}`,
    )
    .join(', ');
}
