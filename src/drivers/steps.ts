import type { AccessStep } from '../domain/access-report.ts';
import type { Auth } from './auth/auth-settings.ts';

/** Learns the steps of a connection to a cloud. A step that was begun and is not done is the one that failed. */
export interface StepListener {
  /** How vbsctl is going to authenticate. */
  authenticatingWith(by: Auth['type']): void;
  begin(step: AccessStep): void;
  /** For people: the result of the step. */
  done(said: string): void;
}

export const IGNORE_STEPS: StepListener = { authenticatingWith: () => {}, begin: () => {}, done: () => {} };
