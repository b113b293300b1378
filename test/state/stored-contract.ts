import { expect } from 'chai';
import { Failure } from '../../src/domain/errors.ts';
import type { Backend } from '../../src/state/backend.ts';
import { ACTOR, everyKind, numbered, put, TARGET } from './samples.ts';

/** A place for one state whose stored bytes can be looked at and changed behind the backend's back. */
export interface StoredSubject {
  open(): Promise<Backend>;
  /** What holds the state now, by name, the oldest part first (a snapshot, a journal). */
  parts(): Promise<ReadonlyMap<string, Uint8Array>>;
  put(name: string, bytes: Uint8Array): Promise<void>;
  dispose(): Promise<void>;
}

/** What every backend promises about bytes that a crash, a full disk, a newer program or a hand has left. */
export function storedContract(name: string, makeSubject: () => Promise<StoredSubject>): void {
  describe(`stored bytes: ${name}`, () => {
    const subjects: StoredSubject[] = [];
    const make = async () => {
      const subject = await makeSubject();
      subjects.push(subject);
      return subject;
    };
    afterEach(async () => {
      for (const subject of subjects.splice(0)) await subject.dispose();
    });

    /** Committed in groups of one and of two, by an owner whose lock was taken away: nothing is folded. */
    async function written(): Promise<{ subject: StoredSubject; serial: number; lineage: string }> {
      const subject = await make();
      const backend = await subject.open();
      const lease = await backend.lock(ACTOR, 0);
      const { lineage } = await lease.create(TARGET);
      const [intended, , , , unknown] = everyKind();
      if (!intended || !unknown) throw new Error('no samples');
      await lease.commit([put(intended)]);
      await Promise.all([lease.commit([put(unknown)]), lease.commit([numbered(1)])]);
      const { serial } = lease.state() ?? expect.fail();
      await backend.unlock(lease.lock.info.id);
      await lease.release().catch(() => undefined); // it tells that it was taken away
      return { subject, serial, lineage };
    }

    const read = async (subject: StoredSubject) => (await subject.open()).read();

    it('load the commits before a cut at any byte, or report why not', async () => {
      const { subject, serial } = await written();
      const whole = await read(subject);
      expect(whole?.serial).to.equal(serial);
      const backend = await subject.open();
      let loaded = 0;
      let refused = 0;
      const parts = [...(await subject.parts())];
      for (const [part, bytes] of parts) {
        // What is appended to is cut at every length; what is replaced as a whole need not be so fine.
        const step = part === parts.at(-1)?.[0] ? 1 : 11;
        for (let length = 0; length < bytes.length; length += step) {
          await subject.put(part, bytes.subarray(0, length));
          const found = await backend.read().catch((cause: unknown) => cause);
          if (found instanceof Failure) {
            refused++;
            expect(found.kind, `${part} cut at ${length}`).to.equal('refused');
            for (const { remedy } of found.diagnostics) expect(remedy).to.be.a('string').and.not.equal('');
            continue;
          }
          loaded++;
          const state = found as typeof whole;
          expect(state?.serial, `${part} cut at ${length}`).to.be.within(0, serial);
          // A prefix of what was committed, and nothing else: each record is as some commit made it.
          for (const [address, record] of state?.records ?? [])
            expect(record, `${part} cut at ${length}`).to.deep.equal(whole?.records.get(address));
          expect(state?.history).to.deep.equal(whole?.history.slice(0, state?.history.length));
        }
        await subject.put(part, bytes);
      }
      expect(refused, 'refusals').to.be.greaterThan(0);
      expect(await read(subject)).to.deep.equal(whole);
      if ((await subject.parts()).size > 1) expect(loaded, 'prefixes').to.be.greaterThan(0);
    });

    it('are refused unchanged for a newer format', async () => {
      const { subject } = await written();
      for (const [part, bytes] of await subject.parts()) {
        const newer = Buffer.from(bytes)
          .toString()
          .replace(/"format": ?1\b/, '"format": 99');
        await subject.put(part, Buffer.from(newer));
        const backend = await subject.open();
        for (const attempt of [backend.read(), backend.lock(ACTOR, 0)]) {
          const failure = await attempt.catch((cause: unknown) => cause);
          if (!(failure instanceof Failure)) throw new Error(`${part} of format 99 was not refused`);
          expect(failure.kind).to.equal('refused');
          expect(failure.diagnostics[0]?.summary).to.match(/newer vbsctl \(format 99/);
          expect(failure.diagnostics[0]?.remedy).to.include('update vbsctl');
        }
        expect(await backend.holder(), 'no lock is left behind').to.equal(undefined);
        expect(Buffer.from((await subject.parts()).get(part) ?? []).toString()).to.equal(newer);
        await subject.put(part, bytes);
      }
    });

    it('are refused with both lineages if they are parts of two states', async () => {
      const [one, other] = [await written(), await written()];
      const foreign = await other.subject.parts();
      const own = await one.subject.parts();
      // One document cannot be of two states.
      if (own.size < 2) return;
      for (const [part, bytes] of own) {
        await one.subject.put(part, foreign.get(part) ?? expect.fail());
        const failure = await read(one.subject).catch((cause: unknown) => cause);
        if (!(failure instanceof Failure)) throw new Error(`a foreign ${part} was taken`);
        expect(failure.kind).to.equal('refused');
        const said = JSON.stringify(failure.diagnostics);
        expect(said).to.include(one.lineage).and.include(other.lineage);
        await one.subject.put(part, bytes);
      }
    });
  });
}
