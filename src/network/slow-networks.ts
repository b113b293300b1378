import net from 'node:net';

/**
 * How long an address of a host may take to connect before Node gives it up for the next one. The default of Node, 250 ms, is
 * shorter than a round trip of slow networks. A lost first packet is repeated after 1 s.
 */
const ADDRESS_TIMEOUT_MS = 2_500;

/** For all connections of this process, also those of the clients of S3 and PostgreSQL. A higher value of the user counts. */
export function waitForSlowNetworks(): void {
  if (net.getDefaultAutoSelectFamilyAttemptTimeout() < ADDRESS_TIMEOUT_MS)
    net.setDefaultAutoSelectFamilyAttemptTimeout(ADDRESS_TIMEOUT_MS);
}
