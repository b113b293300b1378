/**
 * For the end of a `switch` over a union: the compiler proves that no case is missing, but a world file may contain
 * any value.
 */
export function unreachable(value: never): never {
  throw new RangeError(`emulator: unexpected ${JSON.stringify(value)}`);
}
