import { isIP } from 'node:net';
import type { Diagnostic } from '../domain/diagnostic.ts';
import type { Env } from '../domain/env.ts';
import { type Proxy, withoutBrackets } from './proxy.ts';

/**
 * Describes every setting that weakens TLS. Each setting is obeyed and reported once per run on stderr: it may have
 * been set long ago, by somebody else, or only for a test.
 */

/** Settings of Node itself. They weaken the connections to the cloud and to a remote state alike. */
export function weakenedByNode(env: Env): Diagnostic[] {
  // Node also reads `--tls_min_v1.0`, and options in quotation marks.
  const options = env.NODE_OPTIONS?.replaceAll('"', '').replaceAll('_', '-').split(/\s+/) ?? [];
  const given = (name: RegExp) => options.some((option) => name.test(option));
  return [
    env.NODE_TLS_REJECT_UNAUTHORIZED === '0' &&
      weakened(
        'NODE_TLS_REJECT_UNAUTHORIZED=0 disables every certificate check',
        'Anyone on the network path can read credentials, and can answer in place of the server.',
        'run: unset NODE_TLS_REJECT_UNAUTHORIZED; to trust an authority of your own, set OS_CACERT, or NODE_EXTRA_CA_CERTS for all servers',
      ),
    given(/^--tls-min-v1\.[01]$/) &&
      weakened(
        'NODE_OPTIONS allows TLS 1.0 or 1.1',
        'Both versions are broken, and an attacker on the network path can force their use.',
        'remove --tls-min-v1.0 and --tls-min-v1.1 from NODE_OPTIONS',
      ),
    given(/^--tls-keylog(=|$)/) &&
      weakened(
        'NODE_OPTIONS writes the keys of every TLS connection to a file',
        'Anyone who can read that file can decrypt recorded traffic, credentials included.',
        'remove --tls-keylog from NODE_OPTIONS',
      ),
    given(/^--tls-cipher-list(=|$)/) &&
      weakened(
        'NODE_OPTIONS chooses the ciphers of every TLS connection',
        'Weak ones let an attacker on the network path read and change what is sent.',
        'remove --tls-cipher-list from NODE_OPTIONS',
      ),
  ].filter((each) => each !== false);
}

/**
 * `server`: the owner of the certificate, as in “the certificate of the cloud”. `setBy`: where the setting comes from.
 */
export function certificateUnchecked(server: string, setBy: string, remedy: string): Diagnostic {
  return weakened(
    `the certificate of ${server} is not checked`,
    `Anyone on the network path can read the credentials, and can answer in place of ${server}. Settings: ${setBy}.`,
    remedy,
  );
}

/** Undefined for https, and for an address of this machine. `server`: as in “the connection to the cloud”. */
export function unencrypted(
  server: string,
  address: string,
  setBy: string,
  remedy: string,
): Diagnostic | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'http:' || isLoopback(url.hostname)) return undefined;
  return weakened(
    `the connection to ${server} (${url.host}) is not encrypted: its address begins with http://`,
    `Anyone on the network path can read the credentials, and can change what is sent. Settings: ${setBy}.`,
    remedy,
  );
}

/** A login is sent to a proxy unencrypted, before the tunnel begins. `variable`: the variable that names the proxy. */
export function proxyLoginUnencrypted(proxy: Proxy | undefined, variable: string): Diagnostic | undefined {
  if (proxy?.authorization === undefined || isLoopback(proxy.host)) return undefined;
  return weakened(
    `the login for the proxy ${proxy.host}:${proxy.port} is sent unencrypted`,
    `Anyone between this machine and the proxy can read the user name and password in ${variable}. What is sent through the proxy stays encrypted.`,
    'use a proxy that needs no login, or run a proxy on this machine that logs in for you',
  );
}

/**
 * Whether packets to a host (name or address, IPv6 with or without brackets) stay on this machine. The only such name
 * is `localhost`, which /etc/hosts defines. A name server may resolve other names, including `a.localhost`.
 */
export function isLoopback(hostname: string): boolean {
  const host = withoutBrackets(hostname).toLowerCase();
  switch (isIP(host)) {
    case 4:
      return host.startsWith('127.');
    case 6:
      return host === '::1' || /^::ffff:(127\.|7f[0-9a-f]{2}:)/.test(host);
    default:
      return host === 'localhost';
  }
}

function weakened(summary: string, detail: string, remedy: string): Diagnostic {
  return { severity: 'warning', code: 'weakened-tls', summary, detail, remedy };
}
