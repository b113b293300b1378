import { expect } from 'chai';
import { type Column, pairLines, tableLines } from '../../src/views/table.ts';
import { makeStyle } from '../../src/views/terminal.ts';

interface Row {
  readonly name: string;
  readonly count: string;
  readonly id: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'N', cell: ({ count }) => count, align: 'right', droppable: true },
  { title: 'ID', cell: ({ id }) => id },
];

const style = makeStyle(false);

describe('a table', () => {
  it('aligns columns, wide characters included, and leaves no space at the end of a line', () => {
    const rows = [
      { name: 'データ', count: '7', id: 'a1' },
      { name: 'pay', count: '1,200', id: '' },
    ];
    expect(tableLines(COLUMNS, rows, { style, width: 80 })).to.deep.equal([
      'NAME        N  ID',
      'データ      7  a1',
      'pay     1,200',
    ]);
  });

  it('leaves out empty columns', () => {
    const rows = [{ name: 'pay', count: '', id: 'a1' }];
    expect(tableLines(COLUMNS, rows, { style, width: 80 })).to.deep.equal(['NAME  ID', 'pay   a1']);
  });

  it('drops optional columns on a narrow terminal, never an id', () => {
    const rows = [{ name: 'payments/data', count: '100', id: '70a583b2e1c94d7f' }];
    expect(tableLines(COLUMNS, rows, { style, width: 20 })).to.deep.equal([
      'NAME           ID',
      'payments/data  70a583b2e1c94d7f',
    ]);
  });

  it('sanitizes its cells', () => {
    const rows = [{ name: 'a\u001b[2J', count: '', id: 'x\ny' }];
    expect(tableLines(COLUMNS, rows, { style, width: 80 })[1]).to.equal('a\\x1b[2J  x\\ny');
  });

  it('aligns pairs', () => {
    expect(
      pairLines([
        ['a', 'one'],
        ['bbb', 'two'],
        ['c', ''],
      ]),
    ).to.deep.equal(['a    one', 'bbb  two', 'c']);
  });
});
