import { expect } from 'chai';
import type { TrueRestore } from './checker.ts';
import { type Claim, truthOfSuccess } from './success-rules.ts';

const CLAIM: Claim = {
  volume_id: 'disk',
  backup_id: 'backup',
  evidence: 'adopted',
  begun_ms: 1_000,
  sawDiskAlone: false,
};

describe('the verdict of the checker on a success', () => {
  it('is true for a restore of ours that no other restore was mixed with', () => {
    expect(judged([job('1', { cause: 'network' })], ['1'])).to.equal('true');
  });

  it('is the same restore for another client’s restore of the same backup that began after the baseline', () => {
    expect(judged([job('1')], [])).to.equal('same-restore');
  });

  it('is false for another client’s restore of the same backup that began before the baseline', () => {
    expect(judged([job('1', { started_ms: 999 })], [])).to.equal('false');
  });

  it('is mixed for the same restore with which another client wrote another backup into the disk', () => {
    const other = job('2', { backup_id: 'another', overlapped_with: ['1'] });
    expect(judged([job('1', { overlapped_with: ['2'] }), other], [])).to.equal('mixed');
  });

  it('is false for another client’s restore of another backup', () => {
    expect(judged([job('1', { backup_id: 'another' })], [])).to.equal('false');
  });

  it('is false for an accepted restore that was not done, whatever other clients did', () => {
    expect(judged([job('1')], [], { ...CLAIM, evidence: 'accepted' })).to.equal('false');
  });
});

function judged(jobs: readonly TrueRestore[], own: readonly string[], claim = CLAIM): string {
  const truth = truthOfSuccess(
    claim,
    jobs.filter(({ id }) => own.includes(id)),
    { api: 'vbs', jobs, sources: new Map([['backup', 'disk']]), resets: [] },
  );
  return truth.kind === 'exception' ? truth.name : truth.kind;
}

function job(id: string, over: Partial<TrueRestore> = {}): TrueRestore {
  return {
    id,
    volume_id: 'disk',
    backup_id: 'backup',
    request_id: `request-${id}`,
    cause: 'operator',
    phase: 'succeeded',
    accepted_ms: 500,
    started_ms: 2_000,
    ended_ms: 9_000,
    overlapped_with: [],
    ...over,
  };
}
