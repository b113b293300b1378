import { whenToAskAgain } from './backoff.ts';
import type { CloudFailure } from './cloud.ts';
import { Failure } from './errors.ts';

/** A list that a command needs cannot be read. `what`: as in “the list of disks”. */
export function listUnreadable(
  what: string,
  { failure, retryable }: { readonly failure: CloudFailure; readonly retryable: boolean },
): Failure {
  return Failure.of('cloud', 'list-unreadable', `the list of ${what} cannot be read: ${failure.message}`, {
    ...(failure.request_id === undefined ? {} : { detail: `request id ${failure.request_id}` }),
    remedy: remedyFor(failure, retryable),
  });
}

function remedyFor(failure: CloudFailure, retryable: boolean): string {
  if (retryable) return `try again ${whenToAskAgain(failure)}`;
  return failure.cause === 'status'
    ? 'check that these credentials may list them'
    : 'check that the endpoint is the right one: vbsctl auth check; where a limit is named, raise it in vbsctl.yaml';
}
