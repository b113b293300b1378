import type { AccessStep } from '../domain/access-report.ts';
import type { Auth } from './auth/auth-settings.ts';

/** Called at each step of a connection to a cloud. The step that was begun and is not done is the one that failed. */
export interface StepListener {
  /** How vbsctl is going to authenticate. */
  authenticatingWith(type: Auth['type']): void;
  begin(step: AccessStep): void;
  /** For people: the result of the step. */
  done(result: string): void;
}

export const IGNORE_STEPS: StepListener = { authenticatingWith: () => {}, begin: () => {}, done: () => {} };
