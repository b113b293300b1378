import { expect } from 'chai';
import { slowdownNote } from '../../src/drivers/slowdown-note.ts';

const NOW = Date.UTC(2026, 10, 23, 18);

describe('the note about a pause', () => {
  it('says how long the cloud asks to wait, until when, and how to end the wait', () => {
    const note = slowdownNote({ status: 429, asked_ms: 61_000, pause_ms: 61_000 }, NOW);
    expect(note?.summary).to.equal('the cloud asks to wait 1m 1s (HTTP 429)');
    expect(note?.detail).to.equal(
      'Nothing is sent until 18:01:01 UTC; then vbsctl continues. Ctrl-C ends it now.',
    );
  });

  it('is absent for a short pause, or one that is not waited for', () => {
    expect(slowdownNote({ status: 429, pause_ms: 1_000 }, NOW)).to.equal(undefined);
    expect(slowdownNote({ status: 503, asked_ms: 3_600_000, pause_ms: 300_000 }, NOW)).to.equal(undefined);
  });
});
