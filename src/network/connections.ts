import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { openTunnel, type ProxyChoice } from './proxy.ts';
import { whenDrained } from './write-gate.ts';

/**
 * Agents that hand a socket over only once it is connected (TLS handshake and certificate check included).
 * Node's own agents hand over a socket that is still connecting; then nobody can say whether the request
 * was written. With these, a request that never got a socket never left, and one that gets it is written at once.
 */
export interface Connections {
  /** Kept alive and used again. */
  readonly reads: AgentPair;
  /**
   * A fresh connection each. A kept one that the server just closed would end in a reset after the write:
   * harmless for a read, a needless doubt for a restore.
   */
  readonly posts: AgentPair;
}

export interface AgentPair {
  readonly http: http.Agent;
  readonly https: https.Agent;
}

export interface ConnectionSettings extends TlsSettings {
  /** For all of it: proxy, TCP, TLS. */
  readonly connectTimeoutMs: number;
  readonly proxyFor?: ProxyChoice;
}

/** PEM texts. */
export interface TlsSettings {
  /** Trusted in place of Node's own (`OS_CACERT`). */
  readonly ca?: string;
  /** Of our own, shown to servers that ask (`OS_CERT`, `OS_KEY`). */
  readonly cert?: string;
  readonly key?: string;
  /** Whoever answers is believed (`OS_INSECURE`). */
  readonly insecure?: true;
}

export function openConnections({
  connectTimeoutMs,
  insecure,
  proxyFor,
  ...tls
}: ConnectionSettings): Connections {
  const trust = insecure ? { rejectUnauthorized: false } : {};
  const pair = (keepAlive: boolean): AgentPair => ({
    http: handingOverConnected(new http.Agent({ keepAlive }), 'connect', connectTimeoutMs),
    https: handingOverConnected(
      new https.Agent({ keepAlive, ...tls, ...trust }),
      'secureConnect',
      connectTimeoutMs,
      proxyFor,
    ),
  });
  return { reads: pair(true), posts: pair(false) };
}

function handingOverConnected<A extends http.Agent>(
  agent: A,
  connected: 'connect' | 'secureConnect',
  timeoutMs: number,
  proxyFor: ProxyChoice = () => undefined,
): A {
  const open = agent.createConnection.bind(agent);
  agent.createConnection = (options: http.ClientRequestArgs, callback) => {
    // Node calls it with an error alone, too; its types don't say so.
    const handOver = callback as (error: Error | null, socket?: Duplex) => void;
    let socket: Duplex | undefined;
    let isSettled = false;
    const settle = (error: Error | null) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      socket?.off('error', settle).off(connected, onConnected);
      if (error === null) return handOver(null, socket);
      // A second error while the socket is torn down has nobody left to tell.
      socket?.on('error', () => {}).destroy();
      handOver(error);
    };
    // What is left of the handshake goes out first: then the request does not wait behind it (write-gate.ts).
    const onConnected = () => socket && whenDrained(socket, () => settle(null));
    const toTarget = (through?: Duplex) => {
      try {
        const made = open({ ...options, ...(through ? { socket: through } : {}) }) as Duplex;
        socket = made.once('error', settle).once(connected, onConnected);
      } catch (error) {
        // A client key that does not belong to its certificate, or that is encrypted.
        settle(error as Error);
      }
    };
    const timer = setTimeout(
      () => settle(coded('CONNECT_TIMEOUT', `no connection within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const target = { host: String(options.host), port: Number(options.port) };
    const proxy = proxyFor(target.host, target.port);
    if (proxy)
      socket = openTunnel(proxy, target, (error, tunnel) => (error ? settle(error) : toTarget(tunnel)));
    else toTarget();
    return undefined;
  };
  return agent;
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
