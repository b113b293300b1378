import { expect } from 'chai';
import type { LockHolder } from '../../src/domain/lock-holder.ts';
import { lockedBy } from '../../src/state/lock-failures.ts';
import { LOCK } from './samples.ts';

const tell = (holder: LockHolder) => {
  const [said] = lockedBy(holder, 'there').diagnostics;
  return { summary: said?.summary, detail: said?.detail, remedy: said?.remedy };
};

describe('the holder in a lock error', () => {
  it('is named with its process and the remedy', () => {
    expect(tell(LOCK)).to.deep.equal({
      summary: 'the state is locked: apply by ada@bench since 2026-11-23T22:00:00.000Z',
      detail: 'Process 42 on bench, vbsctl 0.1.0, lock l-1.',
      remedy: 'wait for it (--lock-timeout); only if that process is no longer running: vbsctl unlock l-1',
    });
  });

  it('is left out if the server does not return it (GitLab: the process; Gitea: all)', () => {
    const { id, who, since } = LOCK;
    expect(tell({ id, who, since })).to.deep.include({
      summary: 'the state is locked: another run by ada@bench since 2026-11-23T22:00:00.000Z',
      detail: 'lock l-1.',
    });
    expect(tell({})).to.deep.equal({
      summary: 'the state is locked: another run by somebody',
      detail: 'The server does not return the id of the lock; it is in the log of the run that took it.',
      remedy: 'wait for it (--lock-timeout); only if that process is no longer running: vbsctl unlock ID',
    });
  });
});
