import type { MultilineText } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';

/** A command line that cannot be taken. */
export function usage(summary: string, remedy: string | MultilineText): Failure {
  return Failure.of('usage', 'usage', summary, { remedy });
}
