import { expect } from 'chai';
import { runSync } from '../../../src/domain/chunked-work.ts';
import { Failure } from '../../../src/domain/errors.ts';
import { type Commit, emptyState, fold } from '../../../src/domain/state.ts';
import { encodeSnapshot } from '../../../src/state/codec.ts';
import { extendChain } from '../../../src/state/history-chain.ts';
import { groupLine, headerLine, parseJournal } from '../../../src/state/local/journal.ts';
import { recover } from '../../../src/state/local/recover.ts';
import { ACTOR, AT, everyKind, numbered, put, TARGET } from '../samples.ts';

const GROUPS: Commit[][] = [[1], [2, 3], [4]].map((serials) =>
  serials.map((serial) => ({
    serial,
    at: AT,
    actor: ACTOR,
    changes: [numbered(serial), put(everyKind()[serial] ?? expect.fail())],
  })),
);

const KEY = 'key-1';

function journal(groups = GROUPS, lineage = 'line-1', base = 0, key = KEY): { text: string; ends: number[] } {
  let { text, sum } = headerLine({ lineage, base, key });
  const ends = [Buffer.byteLength(text)];
  for (const group of groups) {
    const line = groupLine(sum, group);
    text += line.text;
    sum = line.sum;
    ends.push(Buffer.byteLength(text));
  }
  return { text, ends };
}

const parse = (text: string) => runSync(parseJournal(Buffer.from(text)));

describe('the journal', () => {
  const { text, ends } = journal();
  const bytes = Buffer.from(text);
  const lines = text.split('\n').slice(0, -1);
  const joined = (...parts: (string | undefined)[]) => `${parts.join('\n')}\n`;

  it('is read as it was written', () => {
    expect(parse(text)).to.deep.equal({
      kind: 'valid',
      header: { format: 1, lineage: 'line-1', base: 0, key: KEY },
      commits: GROUPS.flat(),
    });
  });

  it('is JSON lines', () => {
    expect(lines.map((line) => Object.keys(JSON.parse(line))[1])).to.deep.equal([
      'journal',
      'commits',
      'commits',
      'commits',
    ]);
  });

  it('gives the complete groups before a cut at any byte, or reports why not', () => {
    for (let length = 0; length <= bytes.length; length++) {
      const cut = runSync(parseJournal(bytes.subarray(0, length)));
      const whole = ends.filter((end) => end <= length);
      if (whole.length === 0) {
        expect(cut).to.include({ kind: 'damaged', offset: 0 });
        continue;
      }
      if (cut.kind !== 'valid') throw new Error(`${cut.kind} at ${length}`);
      const expected = GROUPS.slice(0, whole.length - 1).flat();
      expect(cut.commits.map((c) => c.serial)).to.deep.equal(expected.map((c) => c.serial));
    }
  });

  it('drops a partial last line whose pages reached the disk in any order', () => {
    const hole = Buffer.from(bytes);
    const start = ends.at(-2) ?? 0;
    for (const [from, to] of [
      [start, start + 40],
      [start + 100, start + 300],
      [start, bytes.length - 1],
      [start, bytes.length],
    ]) {
      const incomplete = Buffer.from(hole).fill(0, from, to);
      const read = runSync(parseJournal(incomplete));
      expect(read).to.deep.include({ kind: 'valid', commits: GROUPS.slice(0, -1).flat() });
    }
  });

  it('reports the position of any flipped byte before the last line', () => {
    for (let at = 0; at < (ends.at(-2) ?? 0) - 1; at += 3) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 0x01;
      const result = runSync(parseJournal(flipped));
      if (result.kind === 'newer') continue; // the digit of the format itself
      expect(result.kind, `byte ${at}`).to.equal('damaged');
      if (result.kind === 'damaged') expect(result.offset).to.be.at.most(at);
    }
  });

  it('does not treat an edited last line as a partial one', () => {
    const edited = text.replace(/"serial":4/, '"serial":5');
    expect(parse(edited)).to.include({ kind: 'damaged', line: 4, offset: ends[2] });
  });

  it('is refused if a line is missing, repeated, exchanged or from another journal', () => {
    const [header, one, two, three] = lines;
    const foreign = journal(GROUPS, 'line-2').text.split('\n')[1];
    for (const wrong of [
      joined(header, two, three),
      joined(header, one, one, two),
      joined(header, two, one, three),
      joined(header, foreign, two),
      joined(one, two),
      joined(header, one, '', two),
    ])
      expect(parse(wrong).kind).to.equal('damaged');
  });

  it('is refused for a gap in the serials, even if all checksums are valid', () => {
    expect(parse(journal([GROUPS[0] ?? [], GROUPS[2] ?? []]).text)).to.include({ kind: 'damaged', line: 3 });
  });

  it('is refused if its format is newer', () => {
    expect(parse('{"sum":"?","journal":{"format":2,"other":true}}\n{}\n')).to.deep.equal({
      kind: 'newer',
      format: 2,
    });
  });

  it('is refused if it is empty', () => {
    expect(parse('')).to.deep.equal({ kind: 'damaged', offset: 0, line: 1, why: 'it is empty' });
  });
});

describe('the recovery from snapshot and journal', () => {
  const at = (serial: number, lineage = 'line-1', key: string | undefined = KEY) => {
    const state = fold(emptyState(lineage, TARGET, AT), GROUPS.flat().slice(0, serial));
    return Buffer.from(encodeSnapshot({ state, chain: extendChain(state, []) }, key));
  };
  const files = (snapshot: Uint8Array | undefined, journalText: string | undefined) => ({
    path: 's.json',
    journalPath: 's.json.journal',
    snapshot,
    journal: journalText === undefined ? undefined : Buffer.from(journalText),
  });
  const codeOf = (snapshot: Uint8Array | undefined, journalText: string) => {
    try {
      runSync(recover(files(snapshot, journalText)));
    } catch (cause) {
      if (cause instanceof Failure) return cause.diagnostics[0]?.code;
      throw cause;
    }
    return 'accepted';
  };

  it('gives nothing without files, and the snapshot without a journal', () => {
    expect(runSync(recover(files(undefined, undefined)))).to.equal(undefined);
    expect(runSync(recover(files(at(2), undefined)))?.state.serial).to.equal(2);
  });

  it('gives the same state from every snapshot within the journal', () => {
    const whole = runSync(recover(files(at(4), undefined)))?.state;
    for (let serial = 0; serial <= 4; serial++)
      expect(runSync(recover(files(at(serial), journal().text)))?.state).to.deep.equal(whole);
  });

  it('is refused if the two do not belong together', () => {
    expect(codeOf(undefined, journal().text)).to.equal('state-missing');
    expect(codeOf(at(0, 'line-2'), journal().text)).to.equal('journal-of-another-state');
    expect(codeOf(at(1), journal([[{ ...(GROUPS[2]?.[0] ?? expect.fail()) }]], 'line-1', 3).text)).to.equal(
      'state-too-old',
    );
    expect(codeOf(at(0), 'nonsense\n')).to.equal('journal-damaged');
    expect(codeOf(at(0), '{"journal":{"format":9}}\n')).to.equal('state-newer');
  });

  it('is refused if the journal lacks the key of the snapshot, unless the snapshot has all its commits', () => {
    const forged = journal(GROUPS, 'line-1', 0, 'guessed').text;
    const keyless = JSON.parse(at(0).toString());
    delete keyless.journal_key;
    expect(codeOf(at(0), forged)).to.equal('journal-not-ours');
    expect(codeOf(at(3), forged)).to.equal('journal-not-ours');
    for (const text of [journal().text, forged])
      expect(codeOf(Buffer.from(JSON.stringify(keyless)), text)).to.equal('journal-not-ours');
    // It was folded by a run that ended before it could remove it.
    expect(runSync(recover(files(at(4), forged)))?.state.serial).to.equal(4);
    expect(codeOf(at(0), journal([], 'line-1', 0, 'guessed').text)).to.equal('accepted');
  });

  it('is refused if the snapshot was changed under the journal', () => {
    const moved = journal([
      [
        {
          serial: 1,
          at: AT,
          actor: ACTOR,
          changes: [{ type: 'moved', moves: [{ from: 'a/b', to: 'a/c' }] }],
        },
      ],
    ]);
    expect(codeOf(at(0), moved.text)).to.equal('journal-misfit');
  });
});
