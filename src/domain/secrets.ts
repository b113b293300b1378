import { INVISIBLE } from './escape/terminal.ts';
import { decodedAlike, decodedFormsOf, formsOf, spellings } from './secret-forms.ts';
import { replaceRanges, TextFinder } from './text-finder.ts';

/**
 * The secrets of this process. They are added where they are read, and this class alone removes them from texts. A
 * server may repeat what it received: unchanged, in JSON, in a URL, in HTML, in base64 or hex, whole or cut (a short
 * secret: by up to a quarter, or before dots). SECURITY.md lists all forms.
 */
export class Secrets {
  readonly #known = new Set<string>();
  #finders: Finders | undefined;
  /** Signatures of the latest requests, oldest first, in groups, so that a new one changes only the last group. */
  #signatures: readonly Secrets[] = [];
  /**
   * The latest tokens, oldest first. Each has its own finder, because to prepare the search for a long text costs more
   * than the search.
   */
  #tokens: readonly Secrets[] = [];

  /**
   * Adds secrets, which are masked from now on. Ignores absent ones. Each line of a PEM text is a secret of its own.
   */
  add(...secrets: readonly (string | undefined)[]): void {
    for (const line of secrets.flatMap((secret) => secret?.split(/[\r\n]+/) ?? [])) {
      const secret = line.trim();
      if (secret === '' || PEM_FRAME.test(secret) || this.#known.has(secret)) continue;
      this.#known.add(secret);
      this.#finders = undefined;
    }
  }

  /**
   * Adds the signature of a request that is about to be sent, from its `Authorization` header. Whoever has it can
   * repeat the request for a quarter of an hour. At least the newest 32 are kept, because a server repeats what it
   * received recently.
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

  /** Adds a token that a server issued. Only the newest four are kept. */
  addToken(token: string): void {
    if (this.#tokens.some((group) => group.#known.has(token))) return;
    const group = new Secrets();
    group.add(token);
    this.#tokens = [...this.#tokens, group].slice(-TOKENS_MAX);
  }

  /**
   * Whether an id, a number or a stored text contains a secret: a whole one of eight or more characters, or twelve
   * characters of a long one. It may contain less by chance.
   */
  isIn(text: string): boolean {
    const texts = [text, ...spellings(text)].flatMap((each) => [
      each,
      ...(each.match(UUID)?.map(withoutHyphens) ?? []),
    ]);
    return this.#groups().some((group) => texts.some((each) => group.#find().whole.isIn(each)));
  }

  /**
   * Masks a text for output: replaces each secret of eight or more characters with `***`. A shorter one is likely to be
   * part of an ordinary word. A secret that the text does not contain costs almost no time.
   */
  mask(text: string): string {
    return this.#maskedWhole(text, 'long');
  }

  /**
   * Masks a message of a server: replaces each secret of four or more characters. If the message contains a secret in
   * yet another spelling (escapes within escapes, separated letters), the whole message is withheld.
   */
  maskMessage(text: string): string {
    return this.#masked(text, 'short');
  }

  /**
   * Masks a name that a server sent: like `maskMessage`, but for secrets of eight or more characters, because a shorter
   * one may be part of an ordinary word.
   */
  maskName(text: string): string {
    return this.#masked(text, 'long');
  }

  /** The lasting secrets, then the temporary ones. */
  #groups(): readonly Secrets[] {
    return [this, ...this.#signatures, ...this.#tokens];
  }

  /** All groups look at the same text: a secret that begins like one of another group is masked to its end. */
  #maskedWhole(text: string, which: 'short' | 'long'): string {
    const found = this.#groups().flatMap((group) => group.#find()[which].rangesIn(text));
    return found.length === 0 ? text : replaceRanges(text, found, MASK);
  }

  #masked(text: string, which: 'short' | 'long'): string {
    const received = unsigned(text);
    const shown = this.#maskedWhole(received, which);
    if (shown !== received && this.#isMaskedInPart(received, shown, which)) return WITHHELD;
    const read = readings(shown);
    const isLeft = this.#groups().some((group) => {
      const { [which]: finder, tight, bare } = group.#find();
      return read.some((each) => finder.isIn(each.text) || tight.isIn(each.tight) || bare.isIn(each.bare));
    });
    return isLeft ? WITHHELD : shown;
  }

  /**
   * Whether more is masked if the escapes are decoded first. If of `Correct-Horse\u002d77` only `Correct-Horse` is masked,
   * the rest is too little to be found.
   */
  #isMaskedInPart(received: string, shown: string, which: 'short' | 'long'): boolean {
    return decodedAlike(received, shown).some(
      ([before, after]) => this.#maskedWhole(before, which).length < after.length,
    );
  }

  #find(): Finders {
    if (this.#finders === undefined) {
      const forms = [...this.#known].flatMap((secret) =>
        [...formsOf(secret), ...decodedFormsOf(secret)].map((form) => ({ secret, form })),
      );
      const of = (lengthMin: number, change = (text: string) => text) =>
        forms
          .filter(({ secret }) => secret.length >= lengthMin)
          .map(({ form }) => change(form))
          .filter((text) => text.length >= lengthMin);
      const long = of(8);
      this.#finders = {
        short: new TextFinder(of(4)),
        long: new TextFinder(long),
        whole: new TextFinder([...new Set([...long, ...of(8, withoutHyphens)])], 1),
        tight: new TextFinder(of(6, withoutGaps)),
        bare: new TextFinder(of(8, alphanumeric)),
      };
    }
    return this.#finders;
  }
}

interface Finders {
  readonly short: TextFinder;
  readonly long: TextFinder;
  /** As `long`, but a short secret only as a whole. Also without hyphens, for an id that is written without them. */
  readonly whole: TextFinder;
  /** For texts without blanks and invisible characters. */
  readonly tight: TextFinder;
  /** Letters and digits alone. */
  readonly bare: TextFinder;
}

/** Some servers take a token as the user name, beside any password. A shorter name may well be the `who` of a record. */
export function isLikeToken(username: string): boolean {
  return username.length >= TOKEN_LENGTH_MIN;
}

const TOKEN_LENGTH_MIN = 20;

export const MASK = '***';
/** Replaces a message that cannot be shown. */
export const WITHHELD = '(a message that repeats a credential; not shown)';

/** The APIs limit names to 255 characters. A longer name is cut before it is kept. */
export const NAME_LENGTH_MAX = 1_000;

/**
 * Whether a name is not the one that the cloud sent, because a secret was removed from it or because it was cut. No
 * rule can tell what such a name is. A name that the cloud sent as `***` counts as one, too.
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
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

/** Masks each signature, also those of other clients and of long ago. */
function unsigned(text: string): string {
  return text.replace(SIGNATURES, `$1${MASK}`);
}

/** The forms of a text in which secrets are searched: itself, then what its escapes say. */
function readings(text: string) {
  return [text, ...spellings(text)].map((each) => ({
    text: each,
    tight: withoutGaps(each),
    bare: alphanumeric(each),
  }));
}

function withoutGaps(text: string): string {
  return text.replace(GAPS, '');
}

const GAPS = new RegExp(String.raw`[\s\p{C}${INVISIBLE}]+`, 'gu');

function withoutHyphens(text: string): string {
  return text.replaceAll('-', '');
}

function alphanumeric(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, '');
}
