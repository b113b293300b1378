declare module 'pgpass' {
  /** The password of the first line of ~/.pgpass (or PGPASSFILE) that fits; undefined when none does. */
  function pgpass(
    connection: {
      readonly host?: string | undefined;
      readonly port?: number | undefined;
      readonly user?: string | undefined;
      readonly database?: string | undefined;
    },
    found: (password: string | undefined) => void,
  ): void;

  export = pgpass;
}
