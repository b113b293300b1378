/** The environment variables of a process, which every function is passed. */
export type Env = Readonly<Record<string, string | undefined>>;
