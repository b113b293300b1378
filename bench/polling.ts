import { commandOptions } from '../scripts/command-options.ts';
import { DEFAULT_CONFIG } from '../src/domain/config.ts';
import { ProgramHarness } from '../test/simulation/program-harness.ts';
import { machine } from './measure.ts';

const USAGE = `npm run bench:polling -- [options]: requests per restore, and the time from the end of a restore in the cloud until it is
durable in the state. The real planner, executor, driver and state run over the emulated cloud in virtual time, so that the
figures are the same on each machine.

  --api NAME        vbs or cinder (default: vbs)
  --load PxN        N restores, P at the same time; may be repeated (default: 10x200)
  --only NAME       one kind of duration, such as minutes
  --seed N          default: 1
  --rate N          apply.requests_per_second
  --poll MIN:MAX    poll.min_interval and poll.max_interval, ms`;

const values = commandOptions(USAGE, {
  api: { type: 'string', default: 'vbs' },
  load: { type: 'string', multiple: true, default: ['10x200'] },
  only: { type: 'string' },
  seed: { type: 'string', default: '1' },
  rate: { type: 'string', default: `${DEFAULT_CONFIG.apply.requests_per_second}` },
  poll: {
    type: 'string',
    default: `${DEFAULT_CONFIG.poll.min_interval_ms}:${DEFAULT_CONFIG.poll.max_interval_ms}`,
  },
});

const MINUTE = 60_000;

/** Durations of restores, ms. `u` and `v` are uniform in [0, 1). */
const DURATIONS: Readonly<Record<string, (u: number, v: number) => number>> = {
  'one second': () => 1_000,
  'one second ± 10 %': (u) => 900 + 200 * u,
  'ten minutes': () => 10 * MINUTE,
  /** Disks of one size: 9 to 11 minutes. */
  'ten minutes ± 10 %': (u) => (9 + 2 * u) * MINUTE,
  /** Disks of similar sizes. */
  minutes: (u) => (2 + 6 * u) * MINUTE,
  /** Log-normal, median 4 minutes, a twentieth over 30 minutes. */
  'long tail': (u, v) => 4 * MINUTE * Math.exp(1.2 * normal(u, v)),
  /** Small disks between large ones: 5 to 15 s, and every fifth one to two hours. */
  'small and large': (u, v) => (u < 0.2 ? (60 + 60 * v) * MINUTE : 5_000 + 10_000 * v),
};

function normal(u: number, v: number): number {
  return Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v);
}

/** mulberry32: the same durations on each run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Figures {
  readonly requests: number;
  readonly took_ms: number;
  readonly late_ms: { readonly mean: number; readonly p95: number; readonly max: number };
}

async function run(
  api: 'vbs' | 'cinder',
  parallelism: number,
  restores: number,
  duration: (u: number, v: number) => number,
): Promise<Figures> {
  const [min_interval_ms = Number.NaN, max_interval_ms = Number.NaN] = values.poll.split(':').map(Number);
  const harness = new ProgramHarness({
    api,
    volumes: restores,
    settings: {
      apply: {
        ...DEFAULT_CONFIG.apply,
        parallelism,
        requests_per_second: Number(values.rate),
        timeout_ms: 24 * 60 * MINUTE,
      },
      poll: { min_interval_ms, max_interval_ms },
    },
  });
  const draw = random(Number(values.seed));
  for (const backup of Object.values(harness.world.backups))
    backup.job_duration_ms = Math.round(duration(draw(), draw()));
  const specs = Array.from({ length: restores }, (_, n) => harness.spec(n));
  const { outcome } = await harness.apply(specs);
  if (outcome.summary.succeeded !== restores)
    throw new Error(`not all were restored: ${JSON.stringify(outcome.summary)}`);
  const addressOf = new Map(specs.map(({ address, volume }) => [volume.by === 'id' && volume.id, address]));
  const noticed = new Map(
    harness.events.flatMap((event) =>
      event.type === 'ended' ? [[event.address, Date.parse(event.at)]] : [],
    ),
  );
  const late = harness
    .audit()
    .restores.map(
      ({ volume_id, ended_at }) =>
        (noticed.get(addressOf.get(volume_id) ?? '') ?? Number.NaN) - Date.parse(ended_at ?? ''),
    )
    .toSorted((a, b) => a - b);
  return {
    requests: outcome.summary.requests / restores,
    took_ms: outcome.summary.duration_ms,
    late_ms: {
      mean: late.reduce((sum, ms) => sum + ms, 0) / late.length,
      p95: late[Math.floor(0.95 * (late.length - 1))] ?? Number.NaN,
      max: late.at(-1) ?? Number.NaN,
    },
  };
}

const seconds = (ms: number) => (ms / 1_000).toFixed(1).padStart(6);

console.log(machine());
for (const load of values.load) {
  const [parallelism = Number.NaN, restores = Number.NaN] = load.split('x').map(Number);
  console.log(
    `\n${restores} restores, ${parallelism} at a time   requests each   late: mean    p95    max (s)   took (s)`,
  );
  for (const [name, duration] of Object.entries(DURATIONS)) {
    if (values.only && !values.only.split(',').includes(name)) continue;
    const { requests, took_ms, late_ms } = await run(
      values.api as 'vbs' | 'cinder',
      parallelism,
      restores,
      duration,
    );
    console.log(
      `  ${name.padEnd(26)} ${requests.toFixed(2).padStart(12)}          ${seconds(late_ms.mean)} ${seconds(late_ms.p95)} ${seconds(late_ms.max)}   ${seconds(took_ms).padStart(12)}`,
    );
  }
}
