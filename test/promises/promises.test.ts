import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { blocksOf } from './blocks.ts';
import { compareRows, compareTests, isTestTitle, readTable } from './table.ts';

const TABLE = 'test/promises/promises.yaml';
const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const read = (path: string) => readFileSync(path, 'utf8');

describe('the table of promises', () => {
  const table = readTable(TABLE);

  it('every document has its part of the table', () => {
    expect(Object.keys(table).sort()).to.deep.equal([...DOCUMENTS].sort());
  });

  for (const path of DOCUMENTS) {
    it(`${path}: every block is held by a test, or says why it promises nothing`, () => {
      expect(compareRows(read(path), table[path] ?? [])).to.deep.equal([]);
    });

    it(`${path}: the tests that it is held by exist`, () => {
      const promised = (table[path] ?? []).flatMap((row) => ('held_by' in row ? [row] : []));
      expect(promised.flatMap((row) => compareTests(row, read))).to.deep.equal([]);
    });
  }

  it('a promise whose test went away is found', () => {
    const row = { says: 'X', held_by: [`${TABLE}: a test`, 'test/gone.test.ts: a test'] };
    expect(compareTests(row, read)).to.have.length(2);
  });

  it('a sentence that nobody put into the table is found', () => {
    expect(compareRows('One.\n\nTwo.\n', [{ says: 'One', no_promise: 'a word' }])).to.deep.equal([
      'line 3 has 0 rows: Two.',
    ]);
  });

  it('a title in a comment, or of a skipped test, is no test', () => {
    expect(isTestTitle("it('works', () => {})", 'works')).to.equal(true);
    expect(isTestTitle(`it(\`works with \${x}\`, () => {})`, 'works with ')).to.equal(true);
    expect(isTestTitle("it.skip('works', () => {})", 'works')).to.equal(false);
    expect(isTestTitle("// 'works'", 'works')).to.equal(false);
  });

  it('splits a text into paragraphs, list items and table rows', () => {
    const text = '# T\n\nOne\nline.\n\n- a\n  b\n- c\n\n| h |\n|---|\n| d | e |\n\n```sh\ncode\n```\n';
    expect(blocksOf(text)).to.deep.equal([
      { line: 3, text: 'One line.' },
      { line: 6, text: 'a b' },
      { line: 8, text: 'c' },
      { line: 12, text: 'd e' },
    ]);
  });
});
