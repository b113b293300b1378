import { type CloudProject, isEmulator, projectText, sameProject } from '../domain/cloud-project.ts';
import { Lines } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { State } from '../domain/state.ts';

export const ADD_EMULATOR = 'to use it: add --cloud emulator, or set cloud: emulator in vbsctl.yaml';

/** A state is bound to the project that it was created for. */
export function refuseOtherProject(state: State, target: CloudProject): void {
  if (sameProject(state.target, target)) return;
  throw Failure.of(
    'refused',
    'other-project',
    'the state belongs to a different cloud project than the credentials',
    {
      detail: new Lines(`The state: ${projectText(state.target)}`, `The credentials: ${projectText(target)}`),
      remedy:
        isEmulator(state.target) && !isEmulator(target)
          ? `it belongs to the built-in emulator; ${ADD_EMULATOR}`
          : 'use credentials for the project of the state, or another state: --state FILE',
    },
  );
}
