/** A paragraph, a list item or a table row of a Markdown text: the smallest piece that can promise something. */
export interface Block {
  /** From 1. */
  readonly line: number;
  /** White space folded to single blanks; the marker of a list item and the bars of a table row are left out. */
  readonly text: string;
}

const FENCE = /^\s*(```|~~~)/;
const HEADING = /^#{1,6} /;
const LIST_ITEM = /^\s*(?:[-*]|\d+\.) /;
const INDENTED_CODE = /^ {4}/;
const TABLE_RULE = /^\s*\|[\s:|-]+\|?\s*$/;

/**
 * Splits a Markdown text into its blocks. Left out: headings, fenced and indented code (tests run commands themselves),
 * the heads and rules of tables.
 */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  let open: { line: number; parts: string[] } | undefined;
  let fenced = false;
  const close = () => {
    if (open) blocks.push({ line: open.line, text: open.parts.join(' ').replace(/\s+/g, ' ').trim() });
    open = undefined;
  };
  for (const [index, text] of lines.entries()) {
    const line = index + 1;
    const isFence = FENCE.test(text);
    if (isFence) fenced = !fenced;
    if (isFence || fenced || HEADING.test(text) || text.trim() === '') {
      close();
    } else if (text.trimStart().startsWith('|')) {
      close();
      const isHead = TABLE_RULE.test(lines[index + 1] ?? '');
      if (!isHead && !TABLE_RULE.test(text)) {
        open = { line, parts: [text.replace(/\s*\|\s*/g, ' ')] };
        close();
      }
    } else if (LIST_ITEM.test(text)) {
      close();
      open = { line, parts: [text.replace(LIST_ITEM, '')] };
    } else if (open || !INDENTED_CODE.test(text)) {
      open ??= { line, parts: [] };
      open.parts.push(text);
    }
  }
  close();
  return blocks;
}
