import { expect } from 'chai';
import { run } from '../../src/cli/program.ts';
import { type Emulator, startEmulator } from '../../src/emulator/index.ts';
import { type PrivateAuthority, privateAuthority } from '../network/private-authority.ts';
import { type ProxyProcess, startProxy } from '../network/proxy-process.ts';
import { authCheck, optionsFor, REGION, valuesOf, world } from './auth-world.ts';
import { paperIo } from './program.ts';

describe('a cloud with a private certificate authority, behind a proxy that only supports CONNECT,', () => {
  const LOGIN = 'ann:pr0xy-s3cret';
  let authority: PrivateAuthority | undefined;
  let cloud: Emulator;
  let proxy: ProxyProcess | undefined;

  before(async function () {
    authority = privateAuthority();
    if (!authority) return this.skip();
    cloud = await startEmulator({ world: world(), tls: authority.tls });
    proxy = await startProxy(LOGIN);
  });
  after(async () => {
    proxy?.stop();
    await cloud?.close();
    authority?.remove();
  });

  const through = (login: string, more: Record<string, string> = {}) => ({
    env: {
      ...optionsFor('OS_* variables', {
        ...valuesOf('password', cloud.world()),
        auth_url: cloud.authUrl,
        region_name: REGION,
        cacert: authority?.caFile ?? '',
      }).env,
      HTTPS_PROXY: `http://${login}127.0.0.1:${proxy?.port}`,
      ...more,
    },
    home: '/nowhere',
  });

  it('is reached with every request through the tunnel', async () => {
    const { exitCode, printed } = await authCheck(through(`${LOGIN}@`));
    expect(exitCode, printed).to.equal(0);
    expect(new Set(proxy?.targets)).to.deep.equal(new Set([`127.0.0.1:${cloud.port}`]));
  });

  for (const [name, login] of [
    ['no login', ''],
    ['a wrong login', 'ann:wrong-s3cret@'],
  ] as const)
    it(`is not reached with ${name} (407), and the error has a remedy`, async () => {
      const { exitCode, report, printed } = await authCheck(through(login));
      expect(exitCode).to.equal(1);
      const failed = report.steps.find(({ outcome }) => outcome === 'failed');
      expect(failed?.step).to.equal('connection');
      expect(failed?.diagnostics[0]?.detail).to.contain('asks for a user name and password');
      expect(failed?.diagnostics[0]?.remedy).to.contain('HTTPS_PROXY');
      expect(printed).not.to.contain('s3cret');
    });

  it('is reached directly if NO_PROXY names it', async () => {
    const before = proxy?.targets.length;
    expect((await authCheck(through('', { NO_PROXY: '127.0.0.0/8' }))).exitCode).to.equal(0);
    expect(proxy?.targets).to.have.length(before ?? 0);
  });

  it('is shown with its proxy but without the login', async () => {
    const { env, home } = through(`${LOGIN}@`);
    const io = paperIo({ env, home });
    expect(await run(['auth', 'show'], io)).to.equal(0);
    const text = io.out.join('');
    expect(text).to.match(/^proxy +127\.0\.0\.1:\d+, with a login +HTTPS_PROXY$/m);
    expect(text).not.to.contain('s3cret');
  });
});
