import type { Secrets } from '../domain/secrets.ts';

const LENGTH_MAX = 300;
/** As much of a text is looked at for a message. */
export const MESSAGE_LENGTH_MAX = 4_000;

// ANSI sequences whole, then every control character, then the characters that turn the direction of text.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be removed
const ANSI = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu;

/** What somebody else wrote, fit for a message: one line, nothing that moves a cursor or hides text, bounded. */
export function plainText(text: string, lengthMax = LENGTH_MAX): string {
  // Bounded first: the text may be as long as a whole response.
  const line = text
    .slice(0, lengthMax * 4)
    .replace(ANSI, '')
    .replace(UNPRINTABLE, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const characters = [...line];
  return characters.length > lengthMax ? `${characters.slice(0, lengthMax - 1).join('')}…` : line;
}

/** What a server said, fit for a message of ours: as `plainText`, and without secrets. */
export function messageText(
  text: string,
  secrets: Pick<Secrets, 'maskMessage'> | undefined,
  lengthMax = LENGTH_MAX,
): string {
  // Made plain first: nothing that vanishes may hold a secret apart. Cut last: half a secret is not found.
  const plain = plainText(text, MESSAGE_LENGTH_MAX);
  return plainText(secrets?.maskMessage(plain) ?? plain, lengthMax);
}
