import { formsOf, plainest, spellings } from './secret-forms.ts';
import { TextFinder } from './text-finder.ts';

/**
 * The secrets of this process, filled where they are read, and the one place that takes them out of a text. A server may
 * repeat what it was sent: as it is, in JSON, in an address, in HTML, in base64 or hex, whole or cut (a short one: by a quarter).
 */
export class Secrets {
  readonly #known = new Set<string>();
  #finders: Finders | undefined;
  /** Signatures of the last requests, oldest first, in groups: a new one changes only the last group. */
  #signatures: readonly Secrets[] = [];
  /** The last ones, oldest first: each by itself, since to look for a long one costs more to prepare than to do. */
  #tokens: readonly Secrets[] = [];

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
   * The signature of a request that is about to leave, out of its `Authorization` header: good for who repeats it within
   * a quarter of an hour. At least the newest 32 are known; a server repeats what it was just sent.
   */
  addSignature(authorization: string | undefined): void {
    const signature = SIGNATURE_OF.exec(authorization ?? '')?.[1];
    if (signature === undefined) return;
    let group = this.#signatures.at(-1);
    if (group === undefined || group.#known.size === SIGNATURES_IN_GROUP) {
      group = new Secrets();
      this.#signatures = [...this.#signatures, group].slice(-SIGNATURE_GROUPS_MAX);
    }
    group.add(signature);
  }

  /** Handed out by a server, and out of use once others follow: the newest four are known. */
  addToken(token: string): void {
    if (this.#tokens.some((known) => known.has(token))) return;
    const group = new Secrets();
    group.add(token);
    this.#tokens = [...this.#tokens, group].slice(-TOKENS_MAX);
  }

  /** Whether this is one, whole. */
  has(text: string): boolean {
    return this.#known.has(text) || this.#tokens.some((group) => group.has(text));
  }

  /**
   * For whatever is printed: `***` in place of each secret of eight characters or more. A shorter one is likely to be a
   * part of ordinary words. What is not there costs next to nothing.
   */
  mask(text: string): string {
    return this.#groups().reduce((masked, group) => group.#find().long.replaceAll(masked, MASK), text);
  }

  /**
   * For a message of a server: secrets of four characters or more. A message that spells one in yet another way
   * (escapes within escapes, letters apart) is withheld whole.
   */
  maskMessage(text: string): string {
    return this.#masked(text, 'short');
  }

  /** For a name that a server tells, in which a short secret may be a part of an ordinary word. */
  maskName(text: string): string {
    return this.#masked(text, 'long');
  }

  /** What lasts, and what passes. */
  #groups(): readonly Secrets[] {
    return [this, ...this.#signatures, ...this.#tokens];
  }

  /** The text is decoded once for all groups, and again where a secret was taken out. */
  #masked(text: string, which: 'short' | 'long'): string {
    let read = readings(unsigned(text));
    for (const group of this.#groups()) {
      const { [which]: finder, tight, bare } = group.#find();
      const masked = finder.replaceAll(read.text, MASK);
      if (masked !== read.text) read = readings(masked);
      const isSpelt =
        tight.isIn(read.tight) || bare.isIn(read.bare) || read.spellings.some((each) => finder.isIn(each));
      if (isSpelt) return WITHHELD;
    }
    return read.text;
  }

  #find(): Finders {
    if (this.#finders === undefined) {
      const of = (lengthMin: number, form = (text: string) => text) =>
        new TextFinder(
          [...this.#known]
            .filter((secret) => secret.length >= lengthMin)
            .flatMap((secret) => [...formsOf(secret), plainest(secret)])
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

/** The APIs' own names end at 255 characters; what is longer is cut before it is kept. */
export const NAME_LENGTH_MAX = 1_000;

/**
 * Whether a name is not what the cloud said, since a secret was taken out of it or it was cut: no rule can tell what it
 * is. A name that was `***` all along counts as one, too.
 */
export function isWithheld(name: string): boolean {
  return name.includes(MASK) || name.includes(WITHHELD) || name.length > NAME_LENGTH_MAX;
}

const PEM_FRAME = /^-----(BEGIN|END) /;
const SIGNATURE_OF = /\bSignature=([0-9a-f]{16,})/i;
const SIGNATURES = /\b(Signature=)[0-9a-f]{16,}/gi;
const SIGNATURES_IN_GROUP = 8;
const SIGNATURE_GROUPS_MAX = 5;
const TOKENS_MAX = 4;
/** May say something else than it seems to: what introduces an escape, or letters enough for base64. */
const ESCAPED = /[%&\\=]|[A-Za-z0-9+/_]{16,}/;

/** Whoever made it, and however long ago. */
function unsigned(text: string): string {
  return text.replace(SIGNATURES, `$1${MASK}`);
}

/** What else a text may say. */
function readings(text: string) {
  const tight = withoutGaps(text);
  return { text, tight, bare: alphanumeric(text), spellings: ESCAPED.test(text) ? [...spellings(text)] : [] };
}

function withoutGaps(text: string): string {
  return text.replace(/[\s\p{C}]+/gu, '');
}

function alphanumeric(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, '');
}
