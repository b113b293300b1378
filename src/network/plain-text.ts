const LENGTH_MAX = 300;

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
