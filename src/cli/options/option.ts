import { Argument, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../domain/duration.ts';
import { optional } from '../../domain/optional.ts';
import { NAME } from '../../domain/spec.ts';

/** What shell completion offers for a value. */
export type Completes = 'addresses' | 'clouds' | 'files' | 'servers' | 'topics' | 'volumes';

/** How an option is read, and what --help says of the values it takes. */
export interface ValueType {
  /** Minimum and maximum, or the form. */
  readonly takes?: string;
  readonly completes?: Completes;
  /** Throws an InvalidArgumentError that says what is expected. `earlier`: the value so far, of a repeated option. */
  parse?(text: string, earlier?: unknown): unknown;
}

interface OptionDetails {
  readonly type?: ValueType;
  readonly choices?: readonly string[];
  /** In the form that a user types. */
  readonly default?: string;
  /** The default in words, if it is not one value. */
  readonly otherwise?: string;
  readonly required?: boolean;
  /** The heading in --help. */
  readonly group?: string;
}

/** An option with its unit, range and default: the one place that --help and shell completion show them from. */
export function option(flags: string, about: string, details: OptionDetails = {}): Option {
  const { type, choices, default: standard, otherwise, required, group } = details;
  const notes = [
    type?.takes ?? '',
    choices && !flags.includes('|') ? choices.join(', ') : '',
    (standard ?? otherwise) ? `default: ${standard ?? otherwise}` : '',
    required ? 'required' : '',
  ].filter((fact) => fact !== '');
  const made = new Option(flags, notes.length === 0 ? about : `${about} (${notes.join('; ')})`);
  if (choices) made.choices(choices);
  else if (made.required) made.argParser((text: string, earlier: unknown) => valueOf(text, earlier, type));
  if (standard !== undefined) made.default(type?.parse ? type.parse(standard) : standard);
  if (required) made.makeOptionMandatory();
  if (group !== undefined) made.helpGroup(group);
  return Object.assign(made, optional('completes', type?.completes));
}

/** `--option "$UNSET"` gives an empty text, which must not be taken as the current directory. */
function valueOf(text: string, earlier: unknown, type: ValueType | undefined): unknown {
  if (text === '') throw new InvalidArgumentError('Expected a value, not an empty text.');
  return type?.parse ? type.parse(text, earlier) : text;
}

export function argument(form: string, about: string, completes?: Completes): Argument {
  return Object.assign(new Argument(form, about), optional('completes', completes));
}

export function completesOf(of: (Option | Argument) & { readonly completes?: Completes }) {
  return of.completes;
}

/** The path of a file or directory; refused if it may be the content of a file. */
export const file: ValueType = { completes: 'files' };
export const address: ValueType = { completes: 'addresses' };

/** May be given several times. */
export const repeatable: ValueType = {
  takes: 'repeatable',
  parse: (text, earlier) => [...((earlier as readonly string[] | undefined) ?? []), text],
};

/** Milliseconds. */
export const duration: ValueType = {
  takes: 'such as 30s, 10m or 2h',
  parse(text) {
    const ms = parseDuration(text);
    if (ms === undefined)
      throw new InvalidArgumentError('Expected a duration such as 250ms, 90s, 30m or 2h.');
    return ms;
  },
};

/** A name in manifests. */
export const manifestName: ValueType = {
  parse(text) {
    if (!NAME.test(text))
      throw new InvalidArgumentError('Expected lower-case letters, digits and dashes, at most 63.');
    return text;
  },
};

/** `max`: default no maximum. */
export function wholeNumber(min: number, max?: number): ValueType {
  const range = max === undefined ? `${min} or more` : `${min} to ${max}`;
  return {
    takes: range,
    parse(text) {
      const value = Number(text);
      if (!/^[0-9]+$/.test(text) || value < min || value > (max ?? Number.MAX_SAFE_INTEGER))
        throw new InvalidArgumentError(`Expected a whole number, ${range}.`);
      return value;
    },
  };
}
