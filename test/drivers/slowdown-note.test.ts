import { expect } from 'chai';
import { slowdownNote } from '../../src/drivers/slowdown-note.ts';

const NOW = Date.UTC(2026, 10, 23, 18);

describe('what a person is told of a pause', () => {
  it('for how long the cloud asks, until when, and how to end it', () => {
    const note = slowdownNote({ status: 429, asked_ms: 61_000, pause_ms: 61_000 }, NOW);
    expect(note?.summary).to.equal('the cloud asks to wait 1m 1s (HTTP 429)');
    expect(note?.detail).to.equal(
      'Nothing is sent until 18:01:01 UTC; then vbsctl continues. Ctrl-C ends it now.',
    );
  });

  it('nothing of one that is over before it is read, or that is not waited for', () => {
    expect(slowdownNote({ status: 429, pause_ms: 1_000 }, NOW)).to.equal(undefined);
    expect(slowdownNote({ status: 503, asked_ms: 3_600_000, pause_ms: 300_000 }, NOW)).to.equal(undefined);
  });
});
