// Own code, not `cli-table3`: each cell is escaped and measured by `terminal.ts`, as all other text is.
import { displayWidth, inLine, type Paint, padEnd, plain, type Style, widestOf } from './terminal.ts';

export interface Column<Row> {
  readonly title: string;
  /** Raw text: the table sanitizes it. */
  readonly cell: (row: Row) => string;
  readonly paint?: (row: Row) => Paint;
  readonly align?: 'right';
  /** The column is dropped if the terminal is too narrow. */
  readonly droppable?: true;
}

const GAP = 2;

/**
 * A table without borders: a faint line of titles, then one line for each row. Empty columns are left out, then
 * droppable ones from the right until it fits. Cells are never cut, because ids are copied, so it may still be too wide.
 */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { style, width }: { readonly style: Style; readonly width: number },
): string[] {
  const measured = columns
    .map((column) => {
      const cells = rows.map((row) => inLine(column.cell(row)));
      return { column, cells, width: widestOf([column.title, ...cells]) };
    })
    .filter(({ cells }) => cells.some((cell) => cell !== ''));

  const total = () => measured.reduce((sum, each) => sum + each.width + GAP, -GAP);
  while (total() > width) {
    const last = measured.findLastIndex(({ column }) => column.droppable);
    if (last < 0) break;
    measured.splice(last, 1);
  }

  const lineOf = (texts: readonly string[], paints: readonly (Paint | undefined)[]) => {
    const end = texts.findLastIndex((text) => text !== '');
    return measured
      .slice(0, end + 1)
      .map(({ column, width: columnWidth }, index) => {
        const text = texts[index] ?? '';
        const paint = paints[index] ?? plain;
        const space = ' '.repeat(columnWidth - displayWidth(text));
        if (column.align === 'right') return space + paint(text);
        return index === end ? paint(text) : paint(text) + space;
      })
      .join(' '.repeat(GAP));
  };

  const titles = lineOf(
    measured.map(({ column }) => column.title),
    measured.map(() => style.faint),
  );
  const lines = rows.map((row, index) =>
    lineOf(
      measured.map(({ cells }) => cells[index] ?? ''),
      measured.map(({ column }) => column.paint?.(row)),
    ),
  );
  return [titles, ...lines];
}

/** Two aligned columns without titles. */
export function pairLines(pairs: readonly (readonly [left: string, right: string])[]): string[] {
  const widest = widestOf(pairs.map(([left]) => left));
  return pairs.map(([left, right]) => (right === '' ? left : `${padEnd(left, widest)}  ${right}`));
}
