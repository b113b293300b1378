/** For the end of a `switch` over a union: the compiler proves that no case is left, but a world file may hold any. */
export function unreachable(value: never): never {
  throw new RangeError(`emulator: unexpected ${JSON.stringify(value)}`);
}
