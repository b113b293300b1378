import { shellOperand } from './escape/shell-word.ts';
import type { Address } from './spec.ts';

/** The command by which an operator records an unknown outcome. */
export function resolveCommand(address: Address): string {
  return `vbsctl resolve ${shellOperand(address)} --as succeeded|not-started|failed --reason "…"`;
}
