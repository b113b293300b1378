import { displayWidth, type Paint, padEnd, type Style, sanitize } from './terminal.ts';

export interface Column<Row> {
  readonly title: string;
  /** The raw text: the table sanitizes it. */
  readonly cell: (row: Row) => string;
  readonly paint?: (row: Row) => Paint;
  readonly align?: 'right';
  /** May be left out where the terminal is too narrow for all columns. */
  readonly droppable?: true;
}

const GAP = 2;

/**
 * A table without borders: a faint line of titles, then a line a row. A column that is empty throughout is
 * left out, then droppable ones from the right until it fits; ids are never cut, so it may still be wider.
 */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { style, width }: { readonly style: Style; readonly width: number },
): string[] {
  const measured = columns
    .map((column) => {
      const cells = rows.map((row) => sanitize(column.cell(row)));
      let columnWidth = 0;
      for (const cell of cells) columnWidth = Math.max(columnWidth, displayWidth(cell));
      const used = columnWidth > 0;
      return { column, cells, used, width: Math.max(columnWidth, displayWidth(column.title)) };
    })
    .filter(({ used }) => used);

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

/** Two columns without titles, the left one as wide as its widest. */
export function pairLines(pairs: readonly (readonly [left: string, right: string])[]): string[] {
  let widest = 0;
  for (const [left] of pairs) widest = Math.max(widest, displayWidth(left));
  return pairs.map(([left, right]) => (right === '' ? left : `${padEnd(left, widest)}  ${right}`));
}

const plain: Paint = (text) => text;
