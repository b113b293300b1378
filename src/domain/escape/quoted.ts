import { sanitize } from './terminal.ts';

/**
 * What somebody else wrote, within a sentence of ours that says what to do: in quotation marks unless it is one word.
 * `advice` (views/terminal.ts) never breaks a quotation, and looks for commands outside of them only, so whatever the
 * text holds, it cannot stand on a line as if vbsctl advised it. Cut after 60 characters: it is never broken, and the whole
 * stands elsewhere.
 */
export function quoted(text: string): string {
  return inMarks(text, 60);
}

/** The same of what is nowhere else, such as the path of a file. */
export function quotedWhole(text: string): string {
  return inMarks(text, Number.POSITIVE_INFINITY);
}

function inMarks(text: string, lengthMax: number): string {
  const line = sanitize(text.replace(/\s+/g, ' '));
  if (line === text && text.length <= lengthMax && WORD.test(text) && !PROGRAM.test(text)) return text;
  const characters = [...line.replace(/[\u201c\u201d]/g, '"')];
  const shown = characters.length > lengthMax ? [...characters.slice(0, lengthMax - 1), '…'] : characters;
  return `“${shown.join('')}”`;
}

/** Without quotation marks and the arrow that is our sign of what to do. */
const WORD = /^[^\s"'\\\u2018-\u201f\u2192]+$/;
/** What our own commands begin with. */
const PROGRAM = /^(vbsctl|openstack)$/;
