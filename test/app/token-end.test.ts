import { expect } from 'chai';
import { stopWithToken, tokenEndWarning } from '../../src/app/token-end.ts';
import { systemClock } from '../../src/cli/system.ts';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import type { Diagnostic } from '../../src/domain/diagnostic.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { diagnosticsText } from '../../src/views/diagnostics.ts';
import { makeStyle } from '../../src/views/terminal.ts';

const HOUR = 3_600_000;
const restores = (count: number) =>
  ({ actions: Array.from({ length: count }, () => ({ kind: 'restore' })) }) as unknown as Pick<
    Plan,
    'actions'
  >;
/** Ten at a time, two hours each at most. */
const config = DEFAULT_CONFIG;

const textOf = (diagnostics: readonly Diagnostic[]) =>
  diagnosticsText(diagnostics, { style: makeStyle(false), width: 100 }).replace(/\s+/g, ' ');

describe('a token that cannot be renewed', () => {
  const said = (leftMs: number | undefined, count: number) => {
    const ends = leftMs === undefined ? {} : { expiresAtMs: Date.now() + leftMs };
    return textOf(tokenEndWarning(ends, restores(count), config, systemClock));
  };

  it('is reported with the remedy if the restores may outlast it', () => {
    const text = said(3 * HOUR, 12);
    expect(text).to.match(
      /the token ends at \S+Z, in 3h, and cannot be renewed; 12 restores may take up to 4h/,
    );
    expect(text)
      .to.contain('continue in the cloud, and the state has them')
      .and.contain('openstack token issue');
  });

  it('is not reported if it lasts, if there is nothing to do, or if it has no end', () => {
    expect(said(5 * HOUR, 12)).to.equal('');
    expect(said(HOUR, 0)).to.equal('');
    expect(said(undefined, 12)).to.equal('');
  });

  it('ends the run when it expires, and says so', async () => {
    const stop = stopWithToken(new AbortController().signal, { expiresAtMs: Date.now() + 5 }, systemClock);
    await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
    expect(textOf(stop.notes())).to.contain('the token ended at').and.contain('OS_TOKEN=');
  });

  it('does not replace a stop by the operator', () => {
    const stopping = new AbortController();
    const stop = stopWithToken(stopping.signal, { expiresAtMs: Date.now() + HOUR }, systemClock);
    stopping.abort(new Error('stopped by SIGINT'));
    expect(stop.signal.aborted).to.equal(true);
    expect(stop.notes()).to.deep.equal([]);
  });
});
