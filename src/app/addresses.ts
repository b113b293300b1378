import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import type { RestoreRecord } from '../domain/record.ts';
import type { Address, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import { suggest, suggestForReport } from '../domain/suggest.ts';

/** Addresses that a person gave, held against what there is. */

/** `db-data` for `payments/db-data`, or a slip: the known one that was meant, if there is just one. */
function meantAddress(
  given: string,
  known: Iterable<string>,
  propose: typeof suggest = suggest,
): string | undefined {
  const all = [...known];
  if (given.includes('/')) return propose(given, all);
  const nameOf = (address: string) => address.slice(address.indexOf('/') + 1);
  const meant = propose(given, all.map(nameOf));
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
export function recordsOf(state: State, addresses: readonly Address[]): RestoreRecord[] {
  const unknown = addresses.filter((address) => !state.records.has(address));
  if (unknown.length > 0)
    throw new Failure(
      'usage',
      unknown.map((address) => noRecord(address, state.records.keys())),
    );
  return [...new Set(addresses)].flatMap((address) => state.records.get(address) ?? []);
}

/** `known`: the addresses of the state, for who left out the set or mistyped. */
export function noRecord(address: string, known: Iterable<string>): Diagnostic {
  const meant = meantAddress(address, known);
  return error('no-record', `the state has no record of ${address}`, {
    remedy:
      meant === undefined
        ? 'to list its records: vbsctl state list'
        : `did you mean ${quotedWhole(meant)}? See: vbsctl state list`,
  });
}
