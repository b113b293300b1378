/** The way into a cloud, in the order in which it is gone; `auth check` shows it. */
export const STEPS = [
  'settings',
  'connection',
  'token',
  'signature',
  'project',
  'catalog',
  'region',
  'endpoints',
  'backups',
  'disks',
  'clock',
] as const;
export type Step = (typeof STEPS)[number];

/** Told how far one got: a step that was begun and not done is the one that failed. */
export interface Steps {
  begin(step: Step): void;
  /** For people: what came of it. */
  done(said: string): void;
}

export const SILENT: Steps = { begin: () => {}, done: () => {} };
