import { commandOptions, wholeNumber } from '../scripts/command-options.ts';
import { Workspace } from '../test/e2e/workspace.ts';
import { load, type Measured, machine, measure, median } from './measure.ts';

const USAGE = `npm run bench:job -- [options]: restores of one second, read each 250 ms, by the built program over HTTP, against the
ideal schedule (restores / parallelism × duration) and against the least that does the job: a Node script, and xargs with
curl. Medians of interleaved runs, whole processes.

  --restores N      default: 200
  --runs N          default: 3
  --parallelism N   may be repeated (default: 10 and 50)
  --only NAME       one contestant, such as vbsctl`;

const values = commandOptions(USAGE, {
  restores: { type: 'string', default: '200' },
  runs: { type: 'string', default: '3' },
  parallelism: { type: 'string', multiple: true, default: ['10', '50'] },
  only: { type: 'string' },
});
const restores = wholeNumber('restores', values.restores);
const runs = wholeNumber('runs', values.runs);
const DURATION_MS = 1_000;
const POLL_MS = 250;

const root = new URL('..', import.meta.url).pathname;

type Contestant = (workspace: Workspace, parallelism: number) => Promise<Measured>;

const CONTESTANTS: Readonly<Record<string, Contestant>> = {
  vbsctl: async (workspace, parallelism) => {
    workspace.write(
      'vbsctl.yaml',
      `apiVersion: vbsctl.dev/v1
kind: Config
apply: {parallelism: ${parallelism}, requests_per_second: 1000}
poll: {min_interval: ${POLL_MS}ms, max_interval: ${POLL_MS}ms}
`,
    );
    workspace.declare(restores);
    await workspace.run('init');
    return measure([process.execPath, `${root}dist/vbsctl.cjs`, 'apply', '--auto-approve'], {
      cwd: workspace.folder,
      env: workspace.env(),
    });
  },
  'a Node script': async (workspace, parallelism) =>
    measure([process.execPath, `${root}bench/minimal.mjs`], { env: await bareNeeds(workspace, parallelism) }),
  'xargs and curl': async (workspace, parallelism) => {
    const env = await bareNeeds(workspace, parallelism);
    const words = JSON.parse(env.DISKS ?? '').flat();
    return measure(['sh', '-c', `echo "$WORDS" | xargs -n 2 -P ${parallelism} ${root}bench/minimal.sh`], {
      env: { ...env, WORDS: words.join(' ') },
    });
  },
};

/** What scripts are given that cannot find it out. */
async function bareNeeds(workspace: Workspace, parallelism: number): Promise<Record<string, string>> {
  const { url, authUrl, credentials } = workspace.cloud;
  const answer = await fetch(`${authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: {
            user: {
              name: credentials.username,
              domain: { name: credentials.domain_name },
              password: credentials.password,
            },
          },
        },
        scope: { project: { id: credentials.project_id } },
      },
    }),
  });
  const { volumes, backups } = workspace.cloud.world();
  const backupOf = new Map(Object.values(backups).map(({ volume_id, id }) => [volume_id, id]));
  const disks = Object.keys(volumes)
    .slice(0, restores)
    .map((id) => [id, backupOf.get(id)]);
  return {
    VBS: `${url}/vbs/v2/${credentials.project_id}/cloudbackups`,
    JOBS: `${url}/vbs/v1/${credentials.project_id}/jobs`,
    TOKEN: answer.headers.get('x-subject-token') ?? '',
    DISKS: JSON.stringify(disks),
    PARALLELISM: String(parallelism),
    POLL_MS: String(POLL_MS),
    POLL_S: String(POLL_MS / 1_000),
  };
}

console.log(
  `${restores} restores of ${DURATION_MS / 1_000} s, looked at each ${POLL_MS} ms, median of ${runs}`,
);
console.log(machine());
for (const parallelism of values.parallelism.map(Number)) {
  const ideal = (Math.ceil(restores / parallelism) * DURATION_MS) / 1_000;
  const wanted = Object.entries(CONTESTANTS).filter(([name]) => !values.only || values.only === name);
  const walls = new Map<string, number[]>(wanted.map(([name]) => [name, []]));
  const cpus = new Map<string, number[]>(wanted.map(([name]) => [name, []]));
  const asked = new Map<string, number[]>(wanted.map(([name]) => [name, []]));
  for (let run = 0; run < runs; run++) {
    for (const [name, contestant] of wanted) {
      const workspace = await Workspace.open({
        seed: { volumes: restores, jobDurationMs: DURATION_MS, queueMs: 0 },
      });
      const { code, wall_s, cpu_s, stderr } = await contestant(workspace, parallelism);
      const starts = workspace.starts();
      if (code !== 0 || starts.length !== restores || starts.some((count) => count !== 1))
        throw new Error(`${name}: exit ${code}, ${starts.length} disks restored: ${stderr}`);
      walls.get(name)?.push(wall_s);
      cpus.get(name)?.push(cpu_s);
      asked.get(name)?.push((workspace.cloud.audit().requests.total ?? 0) / restores);
      await workspace.close();
    }
  }
  console.log(`\n${parallelism} at a time, ideal ${ideal.toFixed(1)} s (${load()})`);
  for (const [name] of wanted) {
    const wall = median(walls.get(name) ?? []);
    console.log(
      `  ${name.padEnd(14)} ${wall.toFixed(2).padStart(6)} s = ${(wall / ideal).toFixed(3)} × ideal   CPU ${median(
        cpus.get(name) ?? [],
      )
        .toFixed(1)
        .padStart(5)} s   ${median(asked.get(name) ?? [])
        .toFixed(1)
        .padStart(5)} requests each`,
    );
  }
}
