import { Desk } from '../test/e2e/cli.ts';

/**
 * The job itself: restores of one second, polled each 250 ms, applied by the built program over HTTP, against the
 * ideal schedule (restores / parallelism × duration). `npm run bench:job -- [restores] [parallelism…]`
 */
const [restores = 200, ...parallelisms] = process.argv.slice(2).map(Number);
const DURATION_MS = 1_000;

for (const parallelism of parallelisms.length > 0 ? parallelisms : [10, 50]) {
  const desk = await Desk.open({ seed: { volumes: restores, jobDurationMs: DURATION_MS } });
  desk.write(
    'vbsctl.yaml',
    `apiVersion: vbsctl.dev/v1
kind: Config
apply: {parallelism: ${parallelism}, requests_per_second: 1000}
poll: {min_interval: 250ms, max_interval: 250ms}
`,
  );
  desk.declare(restores);
  await desk.run('init');
  const apply = desk.start('apply', '--auto-approve');
  const { code, stdout, stderr } = await apply.done;
  const [summary = ''] = /^.*requests\.$/m.exec(stdout) ?? [];
  const ideal = (Math.ceil(restores / parallelism) * DURATION_MS) / 1_000;
  const starts = desk.starts();
  const single = starts.length === restores && starts.every((count) => count === 1);
  console.log(
    `parallelism ${parallelism}: ideal ${ideal} s; ${summary} exit ${code}; each started once: ${single}`,
  );
  if (code !== 0) console.log(stderr);
  await desk.close();
}
