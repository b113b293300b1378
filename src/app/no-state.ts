import { Failure } from '../domain/errors.ts';
import type { Backend } from '../state/backend.ts';

export function noState({ location }: Pick<Backend, 'location'>): Failure {
  return Failure.of('refused', 'no-state', `there is no state at ${location}`, {
    remedy: 'create one: vbsctl init; or name another with --state',
  });
}
