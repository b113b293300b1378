import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { VERSION } from '../../version.ts';
import type { Io } from '../io.ts';
import { printJson } from '../print.ts';

export function version(io: Io, flags: { readonly output: 'text' | 'json' }): ExitCode {
  if (flags.output === 'json') printJson(io, { version: VERSION });
  else io.stdout.write(`vbsctl ${VERSION}\n`);
  return EXIT.done;
}
