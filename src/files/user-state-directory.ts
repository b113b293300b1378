import { isAbsolute, join } from 'node:path';
import type { Env } from '../domain/env.ts';

/**
 * The directory for files that belong to the user, not to a checkout: `$XDG_STATE_HOME/vbsctl`, by default
 * `~/.local/state/vbsctl`. A relative XDG_STATE_HOME is ignored (XDG Base Directory Specification 0.8). The directory
 * need not exist.
 */
export function userStateDirectory(env: Env, home: string): string {
  const { XDG_STATE_HOME: named } = env;
  return join(named && isAbsolute(named) ? named : join(home, '.local', 'state'), 'vbsctl');
}
