import { Failure } from '../../domain/errors.ts';
import { type PostgresSession, TRUE } from './postgres-session.ts';

/**
 * The SQL of each version of the tables, applied once and in order; the SQL of a released version is never edited.
 * Every transition of a record and every entry of the history is a row; only the serial of a state and its lock are
 * updated. `json`, not `jsonb`, which refuses a NUL that a cloud may have put into a message.
 */
const MIGRATIONS: readonly ((schema: string) => string)[] = [
  (schema) => `
    create table ${schema}.state (
      name text primary key,
      lineage text not null,
      serial bigint not null,
      head json not null
    );
    create table ${schema}.record (
      state text not null references ${schema}.state (name),
      address text not null,
      serial bigint not null,
      record json,
      primary key (state, address, serial)
    );
    comment on column ${schema}.record.record is 'null: renamed or removed; the row with the highest serial is current';
    create table ${schema}.history (
      state text not null references ${schema}.state (name),
      position bigint not null,
      entry json not null,
      primary key (state, position)
    );
    create table ${schema}.lock (
      state text primary key,
      id text not null,
      info json not null,
      ttl_ms bigint not null,
      takeover_after_ms bigint not null,
      renewed_at timestamptz not null
    );`,
];

const MIGRATION_LOCK = 0x76627363; // the same for every client

/** Creates the tables or updates those of an older vbsctl. If they are up to date, no right to create is needed. */
export async function migrate(session: PostgresSession, schema: string): Promise<void> {
  if ((await schemaVersion(session, schema)) === MIGRATIONS.length) return;
  await session.transaction(async () => {
    await session.query('select pg_advisory_xact_lock($1::bigint)', [MIGRATION_LOCK]);
    const version = await schemaVersion(session, schema);
    if (version === undefined) {
      await session.query(`create schema if not exists ${schema}`);
      await session.query(`create table ${schema}.meta (version int not null)`);
      await session.query(`insert into ${schema}.meta values (0)`);
    }
    for (const createTables of MIGRATIONS.slice(version ?? 0)) await session.query(createTables(schema));
    await session.query(`update ${schema}.meta set version = $1`, [MIGRATIONS.length]);
  });
}

/** Undefined if there are no tables. Refuses those of a newer vbsctl. */
export async function schemaVersion(session: PostgresSession, schema: string): Promise<number | undefined> {
  const [found] = await session.query<{ there: string }>('select to_regclass($1) is not null as there', [
    `${schema}.meta`,
  ]);
  if (found?.there !== TRUE) return undefined;
  const [meta] = await session.query<{ version: string }>(`select version from ${schema}.meta`);
  const version = Number(meta?.version ?? 0);
  if (!(version <= MIGRATIONS.length))
    throw Failure.of(
      'state',
      'state-newer',
      `the tables in schema ${schema} were made by a newer vbsctl (version ${version}; this vbsctl supports ${MIGRATIONS.length})`,
      { remedy: 'update vbsctl on this machine; nothing was changed' },
    );
  return version;
}
