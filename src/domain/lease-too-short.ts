import { formatDuration } from './duration.ts';
import { Failure } from './errors.ts';

/** No request to the cloud could ever be sent, because the lock could end before its answer. */
export function leaseTooShort(ttlMs: number, requestTimeoutMs: number): Failure {
  return Failure.of(
    'state',
    'lease-too-short',
    `the lock on the state lasts ${formatDuration(ttlMs)}, a request to the cloud up to ${formatDuration(requestTimeoutMs)}`,
    { remedy: 'make lease_ttl in the URL of the state longer, or http.request_timeout shorter' },
  );
}
