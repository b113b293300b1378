import type { Secrets } from '../domain/secrets.ts';

const TEXT_SHOWN_LENGTH_MAX = 300;
/** The maximum length of a text that is processed for a message. */
export const MESSAGE_READ_LENGTH_MAX = 4_000;

// ANSI sequences whole, then every control character, then the characters that change the direction of text.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be removed
const ANSI = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu;

/**
 * Makes foreign text safe for a message: one line, no characters that move the cursor or hide text, limited length. A text
 * that was cut ends with `…`: then `Secrets` also finds a secret of which only the beginning is left.
 */
export function printableText(text: string, lengthMax = TEXT_SHOWN_LENGTH_MAX): string {
  // Cut first, because the text may be as long as a whole response.
  const beginning = text.slice(0, lengthMax * 4);
  const line = beginning.replace(ANSI, '').replace(UNPRINTABLE, ' ').replace(/\s+/g, ' ').trim();
  const characters = [...line];
  const isCut = characters.length > lengthMax || beginning.length < text.length;
  return isCut ? `${characters.slice(0, lengthMax - 1).join('')}…` : line;
}

/** Makes the text of a server safe for a message: as `plainText`, and without secrets. */
export function messageText(
  text: string,
  secrets: Pick<Secrets, 'maskMessage'> | undefined,
  lengthMax = TEXT_SHOWN_LENGTH_MAX,
): string {
  // Characters are removed first, because they could split a secret; the text is cut to its length last, because the end
  // of a secret would not be found.
  const plain = printableText(text, MESSAGE_READ_LENGTH_MAX);
  return printableText(secrets?.maskMessage(plain) ?? plain, lengthMax);
}
