import net, { type AddressInfo } from 'node:net';
import { expect } from 'chai';
import { logCommandsIn } from './log-commands.ts';
import { tells } from './reflections.ts';
import { CRASH, printed, Sandbox } from './sandbox.ts';

/** What a proxy's address, or the proxy itself, may hold, against the built program. */
describe('a hostile or misconfigured proxy', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.close());

  const CLOUD = {
    OS_AUTH_URL: 'https://iam.invalid/v3',
    OS_USERNAME: 'ann',
    OS_PASSWORD: 'pa55word',
    OS_USER_DOMAIN_NAME: 'OTC',
    OS_PROJECT_NAME: 'demo',
    OS_REGION_NAME: 'eu-de',
  };

  /** A proxy that answers `answer` to whatever it is sent, and the first lines that arrived. */
  async function proxy(answer: string): Promise<{ port: number; heads: string[]; close: () => void }> {
    const heads: string[] = [];
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        heads.push(data.toString('latin1'));
        socket.write(answer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { port, heads, close: () => server.close() };
  }

  for (const variable of ['HTTPS_PROXY', 'https_proxy'])
    for (const [written, login] of [
      ['u:P%ZZ@', 'u:P%ZZ'],
      ['u:%@', 'u:%'],
      ['u:%E0%A4%A@', Buffer.from('u:\xe0\xa4%A', 'latin1')],
    ] as const)
      it(`is used as curl does for ${variable}=http://${written}…`, async () => {
        const { port, heads, close } = await proxy('HTTP/1.1 407 no\r\n\r\n');
        try {
          const done = await sandbox.run(
            { ...CLOUD, [variable]: `http://${written}127.0.0.1:${port}` },
            'auth',
            'check',
          );
          expect(done.code, printed(done)).to.equal(1);
          expect(printed(done)).not.to.match(CRASH);
          const [, sent] = /Proxy-Authorization: Basic (\S+)/.exec(heads.join('')) ?? [];
          expect(Buffer.from(sent ?? '', 'base64').equals(Buffer.from(login))).to.equal(true);
        } finally {
          close();
        }
      });

  for (const address of [
    'socks5://ann:s3cret@127.0.0.1:1',
    'https://ann:s3cret@127.0.0.1:1',
    'http://ann:s3cret/@127.0.0.1:1',
    'http://ann:s3cret@[::1',
    'http://ann:s3cret@127.0.0.1:99999',
  ])
    for (const command of [
      ['auth', 'check'],
      ['auth', 'show'],
      ['get', 'volumes'],
    ])
      it(`is refused by ${command.join(' ')} without its password: ${address.replace('s3cret', '…')}`, async () => {
        const done = await sandbox.run({ ...CLOUD, https_proxy: address }, ...command);
        expect(done.code, printed(done)).to.equal(1);
        expect(printed(done)).to.contain('https_proxy ').and.contain('%25');
        expect(printed(done)).not.to.contain('s3cret');
        expect(printed(done)).not.to.match(CRASH);
      });

  for (const NO_PROXY of ['10.0.0.0/8.5', '10.0.0.0/', 'fe80::1%eth0', '[::1', '%ZZ', ':443', '.', '*.'])
    it(`is not bypassed by mistake with NO_PROXY=${NO_PROXY}`, async () => {
      const { port, heads, close } = await proxy('HTTP/1.1 403 no\r\n\r\n');
      try {
        const env = { ...CLOUD, HTTPS_PROXY: `http://127.0.0.1:${port}`, NO_PROXY };
        const done = await sandbox.run(env, 'auth', 'check');
        expect(printed(done)).not.to.match(CRASH);
        expect(heads.join('')).to.contain('CONNECT iam.invalid:443');
      } finally {
        close();
      }
    });

  it('gets only CONNECT, and an endless head ends the attempt', async () => {
    const { port, heads, close } = await proxy(`HTTP/1.1 200 ${'a'.repeat(64 * 1024)}`);
    try {
      const env = { ...CLOUD, HTTPS_PROXY: `http://127.0.0.1:${port}` };
      const done = await sandbox.run(env, 'auth', 'check');
      expect(done.code).to.equal(1);
      expect(printed(done)).not.to.match(CRASH);
      expect(heads.join('')).not.to.contain('pa55word');
    } finally {
      close();
    }
  });

  it('cannot echo its login or print a command into a log', async () => {
    const PASSWORD = 'Pr0xy"pass<w>ord';
    const login = Buffer.from(`ann:${PASSWORD}`).toString('base64');
    const said = `${PASSWORD} ${login} ::add-mask::x ##[error]y \u001b[2J`;
    for (const status of ['407 ', '403 ', '502 ', '200 ', '::error::', '']) {
      const { port, close } = await proxy(
        `HTTP/1.1 ${status}${said}\r\nX-Said: ${said}\r\nProxy-Authenticate: ${said}\r\n\r\n${said}\n::error::${said}`,
      );
      try {
        const HTTPS_PROXY = `http://ann:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`;
        for (const args of [
          ['auth', 'check'],
          ['state', 'list', '--state', 'https://state.invalid/s'],
        ]) {
          const env = { ...CLOUD, HTTPS_PROXY, TF_HTTP_RETRY_MAX: '0', CI: 'true', GITHUB_ACTIONS: 'true' };
          const done = await sandbox.run(env, ...args);
          expect(done.code, printed(done)).to.equal(1);
          expect(printed(done)).not.to.match(CRASH);
          expect(tells(printed(done), PASSWORD), printed(done)).to.equal(undefined);
          expect(logCommandsIn(printed(done)), printed(done)).to.deep.equal([]);
        }
      } finally {
        close();
      }
    }
  });
});
