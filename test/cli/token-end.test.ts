import { expect } from 'chai';
import { stopWithToken, warnOfTokenEnd } from '../../src/cli/token-end.ts';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { paperIo } from './program.ts';

const HOUR = 3_600_000;
const restores = (count: number) =>
  ({ actions: Array.from({ length: count }, () => ({ kind: 'restore' })) }) as unknown as Pick<
    Plan,
    'actions'
  >;
/** Ten at a time, two hours each at most. */
const config = DEFAULT_CONFIG;

describe('a token that cannot be renewed', () => {
  const said = (leftMs: number | undefined, count: number) => {
    const io = paperIo();
    const ends = leftMs === undefined ? {} : { endsAtMs: Date.now() + leftMs };
    warnOfTokenEnd(io, ends, restores(count), config);
    return io.err.join('').replace(/\s+/g, ' ');
  };

  it('is told of where the restores may outlast it, with what happens and how to go on', () => {
    const text = said(3 * HOUR, 12);
    expect(text).to.match(
      /the token ends at \S+Z, in 3h, and cannot be renewed; 12 restores may take up to 4h/,
    );
    expect(text).to.contain('goes on there and is in the state').and.contain('openstack token issue');
  });

  it('is not told of where it lasts, where there is nothing to do, and where there is no such end', () => {
    expect(said(5 * HOUR, 12)).to.equal('');
    expect(said(HOUR, 0)).to.equal('');
    expect(said(undefined, 12)).to.equal('');
  });

  it('ends the run with it, and says so', async () => {
    const io = paperIo();
    const stop = stopWithToken(io, { endsAtMs: Date.now() + 5 });
    await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
    stop.tell();
    expect(io.err.join('')).to.contain('the token ended at').and.contain('OS_TOKEN=');
  });

  it('leaves a stop that a person asked for as it is', () => {
    const stopping = new AbortController();
    const io = paperIo({ stop: stopping.signal });
    const stop = stopWithToken(io, { endsAtMs: Date.now() + HOUR });
    stopping.abort(new Error('stopped by SIGINT'));
    expect(stop.signal.aborted).to.equal(true);
    stop.tell();
    expect(io.err).to.deep.equal([]);
  });
});
