import { formsOf, spellings } from './secret-forms.ts';
import { TextFinder } from './text-finder.ts';

/**
 * The secrets of this process, filled where they are read, and the one place that takes them out of a text. A server may
 * repeat what it was sent: as it is, in JSON, in an address, in HTML, in base64 or hex, whole or cut.
 */
export class Secrets {
  readonly #known = new Set<string>();
  #finders: Finders | undefined;

  /** From now on these are taken out; absent ones are fine. Each line of a PEM text counts by itself. */
  add(...secrets: readonly (string | undefined)[]): void {
    for (const line of secrets.flatMap((secret) => secret?.split(/[\r\n]+/) ?? [])) {
      const secret = line.trim();
      if (secret === '' || PEM_FRAME.test(secret) || this.#known.has(secret)) continue;
      this.#known.add(secret);
      this.#finders = undefined;
    }
  }

  /**
   * For whatever is printed: `***` in place of each secret of eight characters or more. A shorter one is likely to be a
   * part of ordinary words. What is not there costs next to nothing.
   */
  mask(text: string): string {
    return this.#known.size === 0 ? text : this.#find().long.replaceAll(text, MASK);
  }

  /**
   * For a message of a server: secrets of four characters or more. A message that spells one in yet another way
   * (escapes within escapes, letters apart) is withheld whole.
   */
  maskMessage(text: string): string {
    const signed = text.replace(SIGNATURE, `$1${MASK}`);
    return this.#known.size === 0 ? signed : this.#withheld(signed, this.#find().short);
  }

  /** For a name that a server tells, in which a short secret may be a part of an ordinary word. */
  maskName(text: string): string {
    return this.#known.size === 0 ? text : this.#withheld(text, this.#find().long);
  }

  #withheld(text: string, finder: TextFinder): string {
    const { tight, bare } = this.#find();
    const masked = finder.replaceAll(text, MASK);
    const isSpelt =
      tight.isIn(withoutGaps(masked)) ||
      bare.isIn(alphanumeric(masked)) ||
      (ESCAPED.test(masked) && spellings(masked).some((spelling) => finder.isIn(spelling)));
    return isSpelt ? WITHHELD : masked;
  }

  #find(): Finders {
    if (this.#finders === undefined) {
      const of = (lengthMin: number, form = (text: string) => text) =>
        new TextFinder(
          [...this.#known]
            .filter((secret) => secret.length >= lengthMin)
            .flatMap(formsOf)
            .map(form)
            .filter((text) => text.length >= lengthMin),
        );
      this.#finders = { short: of(4), long: of(8), tight: of(6, withoutGaps), bare: of(8, alphanumeric) };
    }
    return this.#finders;
  }
}

interface Finders {
  readonly short: TextFinder;
  readonly long: TextFinder;
  /** Without blanks and characters that nobody sees. */
  readonly tight: TextFinder;
  /** Letters and digits alone. */
  readonly bare: TextFinder;
}

export const MASK = '***';
/** In place of a message that cannot be shown. */
export const WITHHELD = '(a message that repeats a credential; not shown)';

const PEM_FRAME = /^-----(BEGIN|END) /;
/** Of a signed request: good for who repeats it within a quarter of an hour. */
const SIGNATURE = /\b(Signature=)[0-9a-f]{16,}/gi;
/** May say something else than it seems to: what introduces an escape, or letters enough for base64. */
const ESCAPED = /[%&\\=]|[A-Za-z0-9+/_]{16,}/;

function withoutGaps(text: string): string {
  return text.replace(/[\s\p{C}]+/gu, '');
}

function alphanumeric(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, '');
}
