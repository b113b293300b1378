import { expect } from 'chai';
import { apply } from '../../src/app/apply.ts';
import { Lab } from '../simulation/lab.ts';

describe('apply', () => {
  it('says that its token may end first before anybody is asked, and sends nothing before the yes', async () => {
    const lab = new Lab();
    const told: string[] = [];
    const declined = new Error('declined');
    const applying = apply(
      {
        declared: { specs: [lab.spec(0)], files: [], only: [] },
        mode: 'finish',
        skipBlocked: false,
        waivers: [],
        settings: lab.settings,
        actor: { who: 'test@lab', operation: 'apply', version: 'test' },
        lockTimeoutMs: 0,
      },
      {
        backend: lab.backend(),
        connect: async () => ({
          driver: await lab.connect(),
          expiresAtMs: lab.clock.now() + 60_000,
          close: async () => {},
        }),
        clock: lab.clock,
        random: () => 0.5,
        stop: new AbortController().signal,
        report: (diagnostics) => told.push(...diagnostics.map(({ code }) => code)),
        confirmNewState: async () => void told.push('new state?'),
        showPlan: () => told.push('plan'),
        confirm: async () => {
          told.push('yes?');
          throw declined;
        },
        beginRun: () => expect.fail('nothing may begin'),
      },
    );
    const cause = await lab.clock.until(applying.catch((reason: unknown) => reason));
    expect(cause).to.equal(declined);
    expect(told).to.deep.equal(['new state?', 'plan', 'token-ends', 'yes?']);
    expect(lab.starts(0)).to.equal(0);
    expect(await lab.backend().holder()).to.equal(undefined);
  });
});
