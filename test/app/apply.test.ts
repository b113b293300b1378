import { expect } from 'chai';
import { apply } from '../../src/app/apply.ts';
import { ProgramHarness } from '../simulation/program-harness.ts';

describe('apply', () => {
  it('reports a token that may expire before it asks, and sends nothing before the confirmation', async () => {
    const harness = new ProgramHarness();
    const told: string[] = [];
    const declined = new Error('declined');
    const applying = apply(
      {
        declared: { specs: [harness.spec(0)], files: [], only: [] },
        mode: 'finish',
        skipBlocked: false,
        waivers: [],
        settings: harness.settings,
        actor: { who: 'test@lab', operation: 'apply', version: 'test' },
        lockTimeoutMs: 0,
      },
      {
        backend: harness.backend(),
        connect: async () => ({
          driver: await harness.connect(),
          expiresAtMs: harness.clock.now() + 60_000,
          close: async () => {},
        }),
        clock: harness.clock,
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
    const cause = await harness.clock.until(applying.catch((reason: unknown) => reason));
    expect(cause).to.equal(declined);
    expect(told).to.deep.equal(['new state?', 'plan', 'token-ends', 'yes?']);
    expect(harness.starts(0)).to.equal(0);
    expect(await harness.backend().holder()).to.equal(undefined);
  });
});
