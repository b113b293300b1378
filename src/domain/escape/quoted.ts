import { sanitize } from './terminal.ts';

/**
 * Text from outside, for a sentence of advice: in quotation marks unless it is one word. `wrapRemedy` (views/terminal.ts) never
 * breaks a quotation, and finds commands only outside of quotations. So the text can never stand on a line of its own as if
 * vbsctl advised it. Cut after 60 characters, because a quotation is never broken and other output has the whole text.
 */
export function quoted(text: string): string {
  return inMarks(text, 60);
}

/** The same without a limit, for text that no other output has, such as the path of a file. */
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

/** Without quotation marks and the arrow that marks our advice. */
const WORD = /^[^\s"'\\\u2018-\u201f\u2192]+$/;
/** The first word of the commands that we advise. */
const PROGRAM = /^(vbsctl|openstack)$/;
