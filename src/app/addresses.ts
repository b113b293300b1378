import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import type { RestoreRecord } from '../domain/record.ts';
import type { Address, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import { suggest, suggestForReport } from '../domain/suggest.ts';

/** Checks the addresses on the command line against the declared restores and the records of the state. */

/** The known address that was meant by `db-data` without its set, or by a misspelt one. Undefined if several fit. */
function meantAddress(
  typed: string,
  known: Iterable<string>,
  propose: typeof suggest = suggest,
): string | undefined {
  const all = [...known];
  if (typed.includes('/')) return propose(typed, all);
  const nameOf = (address: string) => address.slice(address.indexOf('/') + 1);
  const meant = propose(typed, all.map(nameOf));
  const [one, ...more] = all.filter((address) => nameOf(address) === meant);
  return more.length === 0 ? one : undefined;
}

/** Restores that `--target` names must be declared. */
export function refuseUndeclared(addresses: readonly Address[], specs: readonly RestoreSpec[]): void {
  if (addresses.length === 0) return;
  const known = new Set(specs.map((spec) => spec.address));
  const unknown = addresses.filter((address) => !known.has(address));
  if (unknown.length === 0) return;
  const propose = suggestForReport();
  throw new Failure(
    'usage',
    unknown.map((address) => {
      const meant = meantAddress(address, known, propose);
      return error('unknown-target', `no restore is declared as ${address}`, {
        detail: `Declared: ${[...known].slice(0, 20).join(', ')}${known.size > 20 ? ', …' : ''}`,
        remedy:
          meant === undefined
            ? 'write it as set/name; to list the restores: vbsctl plan'
            : `did you mean ${quotedWhole(meant)}?`,
      });
    }),
  );
}

/** The records of these addresses, each once. Throws a `Failure` (`usage`) that names all that have none. */
export function requireRecords({ records }: State, addresses: readonly Address[]): RestoreRecord[] {
  const unknown = addresses.filter((address) => !records.has(address));
  if (unknown.length > 0)
    throw new Failure(
      'usage',
      unknown.map((address) => noRecord(address, records.keys())),
    );
  return [...new Set(addresses)].flatMap((address) => records.get(address) ?? []);
}

/** As `requireRecords`, of one address. */
export function requireRecord({ records }: State, address: Address): RestoreRecord {
  const record = records.get(address);
  if (!record) throw new Failure('usage', noRecord(address, records.keys()));
  return record;
}

/** `known`: the addresses of all records, to suggest one. */
export function noRecord(address: string, known: Iterable<string>): Diagnostic {
  const meant = meantAddress(address, known);
  return error('no-record', `the state has no record of ${address}`, {
    remedy:
      meant === undefined
        ? 'to list its records: vbsctl state list'
        : `did you mean ${quotedWhole(meant)}? See: vbsctl state list`,
  });
}
