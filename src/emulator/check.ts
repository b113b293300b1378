/**
 * Parses external JSON. Each reader records what is wrong, with its path, and continues, so that all problems are
 * reported at once.
 */

/** External data that is not valid. `problems` has one line for each problem, which begins with the path. */
export class InvalidData extends Error {
  override readonly name = 'InvalidData';
  readonly problems: string[];

  constructor(what: string, problems: string[]) {
    super(`${what}: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Collects problems while the caller walks through the data. */
export class Checker {
  readonly problems: string[] = [];

  fail(path: string, expectation: string): void {
    this.problems.push(`${path} ${expectation}`);
  }

  /** Reads an object that has only known keys; returns `{}` for anything else. */
  fields(value: unknown, path: string, known: readonly string[]): Fields {
    if (!isFields(value)) {
      this.fail(path, 'must be an object');
      return {};
    }
    for (const key of Object.keys(value)) {
      if (!known.includes(key)) this.fail(path, `has an unknown key "${key}" (known: ${known.join(', ')})`);
    }
    return value;
  }

  list(value: unknown, path: string): unknown[] {
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.fail(path, 'must be a list');
    return [];
  }

  text(value: unknown, path: string): void {
    if (typeof value !== 'string' || value === '') this.fail(path, 'must be a text that is not empty');
  }

  number(value: unknown, path: string, min: number, max: number): void {
    if (typeof value !== 'number' || !(value >= min && value <= max))
      this.fail(path, `must be a number from ${min} to ${max}`);
  }

  integer(value: unknown, path: string, min: number, max: number): void {
    if (!Number.isInteger(value)) this.fail(path, `must be a whole number from ${min} to ${max}`);
    else this.number(value, path, min, max);
  }

  oneOf(value: unknown, path: string, known: readonly string[]): void {
    if (typeof value !== 'string' || !known.includes(value))
      this.fail(path, `must be one of ${known.join(', ')}`);
  }

  flag(value: unknown, path: string): void {
    if (typeof value !== 'boolean') this.fail(path, 'must be true or false');
  }

  /** @throws InvalidData if anything was wrong */
  finish(what: string): void {
    if (this.problems.length > 0) throw new InvalidData(what, this.problems);
  }
}
