import { Lines } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { State } from '../domain/state.ts';
import { describeTarget, isEmulator, sameTarget, type Target } from '../domain/target.ts';

export const ADD_EMULATOR = 'to use it: add --cloud emulator, or set cloud: emulator in vbsctl.yaml';

/** A state is bound to the project that it was created for. */
export function refuseOtherTarget(state: State, target: Target): void {
  if (sameTarget(state.target, target)) return;
  throw Failure.of(
    'refused',
    'other-target',
    'the state belongs to a different cloud project than the credentials',
    {
      detail: new Lines(
        `The state: ${describeTarget(state.target)}`,
        `The credentials: ${describeTarget(target)}`,
      ),
      remedy:
        isEmulator(state.target) && !isEmulator(target)
          ? `it belongs to the built-in emulator; ${ADD_EMULATOR}`
          : 'use credentials for the project of the state, or another state: --state FILE',
    },
  );
}
