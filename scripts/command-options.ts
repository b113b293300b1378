import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/** The options of a command of this repository. `--help` prints its usage, and so does a mistake; both end the process. */
export function commandOptions<const T extends Options>(usage: string, options: T) {
  try {
    const { values } = parseArgs<{ options: T & { help: { type: 'boolean' } } }>({
      options: { ...options, help: { type: 'boolean' } },
    });
    if (!('help' in values)) return values;
  } catch (cause) {
    wrongUse(`${cause instanceof Error ? cause.message : cause}\n\n${usage}`);
  }
  console.log(usage);
  process.exit(0);
}

/** Ends the process if the option is no whole number of at least `min`. */
export function wholeNumber(name: string, text: string, min = 1): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= min && text.trim() !== '') return number;
  return wrongUse(`--${name} must be a whole number of at least ${min}, not ${text}`);
}

function wrongUse(message: string): never {
  console.error(message);
  process.exit(2);
}
