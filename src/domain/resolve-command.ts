import { shellOperand } from './escape/shell-word.ts';
import type { Address } from './spec.ts';

/** The command that settles an outcome that nobody but a person can tell. */
export function resolveCommand(address: Address): string {
  return `vbsctl resolve ${shellOperand(address)} --as succeeded|not-started|failed --reason "…"`;
}
