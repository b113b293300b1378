import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';

/**
 * Compares with `golden/NAME.txt` beside `test`, the URL of a test file; `UPDATE_GOLDEN=1` writes it anew, for review in
 * the diff.
 */
export function expectGolden(name: string, text: string, test = import.meta.url): void {
  const directory = new URL('golden/', test);
  const file = new URL(`${name}.txt`, directory);
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, text);
    return;
  }
  expect(text, `${file.pathname} (UPDATE_GOLDEN=1 to accept)`).to.equal(readFileSync(file, 'utf8'));
}

/** Controls but the views' own line breaks, format characters (bidi, zero width), separators, lone surrogates. */
const HOSTILE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** That nothing in it can move a cursor, colour, hide or reorder what a terminal shows. */
export function expectHarmless(text: string): void {
  const found = HOSTILE.exec(text);
  const around = found && JSON.stringify(text.slice(Math.max(0, found.index - 30), found.index + 10));
  expect(around, 'text around a hostile character').to.equal(null);
}
