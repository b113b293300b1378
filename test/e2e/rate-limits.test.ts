import { expect } from 'chai';
import { Front, type FrontReply } from './front.ts';
import { Workspace } from './workspace.ts';

const MIN_DELAY_MS = 300;

describe('a cloud that limits the rate', () => {
  let workspace: Workspace;
  let front: Front;
  beforeEach(async () => {
    workspace = await Workspace.open({ seed: { volumes: 12, jobDurationMs: 300 } });
    configure('');
    workspace.declare(1);
    front = await Front.before(workspace);
    const { code, stderr } = await run('init');
    expect(code, stderr).to.equal(0);
    front.seen.length = 0;
  });
  afterEach(async () => {
    front.close();
    await workspace.close();
  });

  function configure(retry: string): void {
    workspace.write(
      'vbsctl.yaml',
      `apiVersion: vbsctl.dev/v1
kind: Config
state: vbsctl.state.json
apply: {requests_per_second: 1000, parallelism: 12}
retry: {settle: 1s, min_delay: ${MIN_DELAY_MS}ms, max_delay: 500ms${retry}}
poll: {min_interval: 50ms, max_interval: 200ms}
`,
    );
  }
  const run = (...args: string[]) => workspace.runIn(workspace.folder, front.env, ...args);

  /** Throttles the first `times` requests that match. */
  function throttle(
    matches: (method: string, path: string) => boolean,
    times: number,
    retryAfter?: string,
  ): void {
    let left = times;
    front.replace = (method, path): FrontReply | undefined =>
      matches(method, path) && left-- > 0
        ? {
            status: 429,
            body: '{"error_code":"APIGW.0308","error_msg":"throttled"}',
            headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
          }
        : undefined;
  }
  const volume = (method: string, path: string) => method === 'GET' && /\/volumes\/[^/]+$/.test(path);
  const token = (method: string, path: string) => method === 'POST' && path.endsWith('/auth/tokens');
  const list = (method: string, path: string) => method === 'GET' && path.includes('/volumes/detail');
  const restore = (method: string, path: string) => method === 'POST' && path.endsWith('/restore');

  const gapsOf = (matches: (method: string, path: string) => boolean): number[] => {
    const times = front.seen.filter(({ method, path }) => matches(method, path)).map(({ at }) => at);
    return times.slice(1).map((at, index) => at - (times[index] ?? 0));
  };

  const GONE_BY = 'Thu, 01 Jan 2015 00:00:00 GMT';
  for (const [what, matches, command, values] of [
    ['a read of plan', volume, ['plan'], ['0', '-1', '0.5', GONE_BY, 'soon', undefined]],
    ['the login', token, ['plan'], ['0', '0.5']],
    ['a list', list, ['get', 'volumes'], ['0', GONE_BY]],
  ] as const)
    it(`waits although the Retry-After is unusual: ${what}`, async () => {
      for (const odd of values) {
        front.seen.length = 0;
        throttle(matches, 2, odd);
        const { code, stderr, stdout } = await run(...command);
        expect(code, `${odd}: ${stderr}${stdout}`).to.equal(0);
        const gaps = gapsOf(matches);
        expect(gaps, odd).to.have.length(2);
        const least = odd === '0.5' ? 1_000 : MIN_DELAY_MS;
        for (const gap of gaps) expect(gap, odd).to.be.within(least - 20, least + 5_000);
      }
    });

  it('makes plan wait for a long Retry-After and report it on stderr', async () => {
    throttle(volume, 1, '4');
    const { code, stdout, stderr } = await run('plan');
    expect(code, stderr).to.equal(0);
    expect(stdout).to.contain('1 to restore');
    expect(stderr).to.contain('the cloud asks to wait 4s (HTTP 429)');
    expect(gapsOf(volume)[0]).to.be.at.least(4_000);
  });

  for (const [what, matches, command, code] of [
    ['plan', volume, ['plan'], 1],
    ['plan --detailed-exitcode', volume, ['plan', '--detailed-exitcode'], 1],
    ['plan --out', volume, ['plan', '--out', 'p.json'], 1],
    ['the login', token, ['plan'], 1],
    ['get', list, ['get', 'volumes'], 1],
    ['apply', volume, ['apply', '--auto-approve'], 5],
  ] as const)
    it(`ends plan at once if the Retry-After exceeds max_retry_after: ${what}`, async () => {
      throttle(matches, 100, '3600');
      const done = await run(...command);
      expect(done.code, done.stdout + done.stderr).to.equal(code);
      expect((done.stdout + done.stderr).replace(/\s+/g, ' ')).to.contain(
        'the cloud asks to wait 1h, longer than retry.max_retry_after (5m)',
      );
      expect(front.seen.filter(({ method, path }) => matches(method, path))).to.have.length(1);
      if (command.some((word) => word === '--out')) expect(() => workspace.read('p.json')).to.throw('ENOENT');
    });

  it('limits the wait to max_retry_after of the config', async () => {
    configure(', max_retry_after: 3s');
    throttle(volume, 1, '4');
    const { code, stdout } = await run('plan');
    expect(code).to.equal(1);
    expect(stdout.replace(/\s+/g, ' ')).to.contain('longer than retry.max_retry_after (3s)');
  });

  for (const [what, matches, command] of [
    ['a read of plan', volume, ['plan']],
    ['the login', token, ['plan']],
    ['a list', list, ['get', 'volumes']],
    ['a restore', restore, ['apply', '--auto-approve']],
  ] as const)
    it(`ends the wait at once on a signal: ${what}`, async () => {
      configure(', max_retry_after: 1h');
      throttle(matches, 100, '3600');
      const running = workspace.startIn(workspace.folder, front.env, ...command);
      while (!front.seen.some(({ method, path }) => matches(method, path)))
        await new Promise((resolve) => setTimeout(resolve, 20));
      // It hears the answer.
      await new Promise((resolve) => setTimeout(resolve, 200));
      running.kill('SIGINT');
      const { code, stderr } = await running.done;
      expect(code, stderr).to.equal(130);
    });

  it('pauses the whole run if one restore is throttled, and each disk is restored once', async () => {
    workspace.declare(12);
    throttle(restore, 1, '3');
    const { code, stdout, stderr } = await run('apply', '--auto-approve');
    expect(code, stdout + stderr).to.equal(0);
    const first = front.seen.find(({ method, path }) => restore(method, path))?.at ?? 0;
    const during = front.seen.filter(({ at }) => at > first + 500 && at < first + 2_900);
    expect(during.map(({ method, path }) => `${method} ${path}`)).to.deep.equal([]);
    expect(stdout).to.contain(
      'the cloud asks to wait 3s (HTTP 429): nothing is sent for 3s, then half as much',
    );
    expect(stdout.replace(/\s+/g, ' ')).to.contain('The cloud asked to slow down 1 time.');
    expect(workspace.starts()).to.deep.equal(Array(12).fill(1));
  });
});
