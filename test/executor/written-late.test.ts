import { expect } from 'chai';
import type { ApplyEvent } from '../../src/domain/events.ts';
import { applyLine } from '../../src/views/apply-lines.ts';
import { attemptLines } from '../../src/views/record-text.ts';
import { makeStyle } from '../../src/views/terminal.ts';
import { ProgramHarness } from '../simulation/program-harness.ts';

const FROZEN_MS = 22_000;

describe('a request that was written late', () => {
  for (const [answer, instead] of [
    ['accepted', undefined],
    ['ambiguous', { kind: 'answer', status: 504, headers: {}, text: '' }],
  ] as const)
    it(`is reported at once, marked in the record, and judged like any other if its answer is ${answer}`, async () => {
      const harness = new ProgramHarness();
      let frozen = false;
      harness.network.beforeWrite = ({ method, url }) => {
        if (frozen || method !== 'POST' || !url.endsWith('/restore')) return;
        frozen = true;
        harness.clock.wallOffset += FROZEN_MS;
        // The cloud answers to the late one only.
        harness.network.instead = (request) => {
          if (request.method !== 'POST') return undefined;
          harness.network.instead = () => undefined;
          return instead;
        };
      };
      const events: ApplyEvent[] = [];
      const spec = harness.spec(0);
      await harness.apply([spec], { onEvent: (event) => events.push(event) });
      const record = (await harness.state())?.records.get(spec.address);
      expect(record?.attempts[0]).to.include({ answer, written_late_ms: FROZEN_MS });
      expect(record?.status).to.equal('succeeded');

      const told = events.findIndex(({ type }) => type === 'written_late');
      const answered = events.findIndex(({ type }) => type === 'accepted' || type === 'answered');
      expect(told).to.be.within(0, answered - 1);
      const event = events[told];
      expect(event && applyLine(event)?.text).to.match(
        /^attempt 1 was sent too late, 22s after its last check:/,
      );
      const options = { style: makeStyle(false), width: 200, now: 0 };
      expect(record && attemptLines(record, options).join(' ')).to.contain(
        'sent too late, 22s after its last check',
      );
    });
});
