import type { AccessStep } from '../domain/access-report.ts';
import type { Auth } from './auth/auth-settings.ts';

/** Told how far one gets on the way into a cloud: a step that was begun and not done is the one that failed. */
export interface Steps {
  /** How we are going to prove who we are. */
  proving(by: Auth['type']): void;
  begin(step: AccessStep): void;
  /** For people: what came of it. */
  done(said: string): void;
}

export const SILENT: Steps = { proving: () => {}, begin: () => {}, done: () => {} };
