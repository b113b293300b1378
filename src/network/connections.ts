import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { errorWithCode } from './network-errors.ts';
import { openTunnel, type ProxyChoice } from './proxy.ts';
import { waitForSlowNetworks } from './slow-networks.ts';
import { whenDrained } from './write-gate.ts';

/**
 * Agents that give a socket to a request only once it is connected, with TLS handshake and certificate check. So if a request
 * got no socket, nothing of it was sent; if it got one, Node writes it at once. Node's own agents give it a socket that is
 * still connecting: if the connection then fails, nobody can tell whether the request was written.
 */
export interface Connections {
  /** For reads. Connections are kept alive and reused. */
  readonly reads: AgentPair;
  /**
   * For POSTs: a new connection for each. If the server had just closed a reused one, the write would end in a reset.
   * This is harmless for a read, but makes the result of a restore needlessly unknown.
   */
  readonly posts: AgentPair;
}

interface AgentPair {
  readonly http: http.Agent;
  readonly https: https.Agent;
}

interface ConnectionSettings extends TlsSettings {
  /** For the whole connection: proxy, TCP and TLS. */
  readonly connectTimeoutMs: number;
  readonly proxyFor?: ProxyChoice;
}

/** PEM texts. */
export interface TlsSettings {
  /** Certificate authorities that replace those of Node (`OS_CACERT`). */
  readonly ca?: string;
  /** Client certificate and key, for servers that ask for them (`OS_CERT`, `OS_KEY`). */
  readonly cert?: string;
  readonly key?: string;
  /** The certificate of the server is not checked (`OS_INSECURE`). */
  readonly insecure?: true;
}

export function openConnections({
  connectTimeoutMs,
  insecure,
  proxyFor,
  ...tls
}: ConnectionSettings): Connections {
  waitForSlowNetworks();
  const trust = insecure ? { rejectUnauthorized: false } : {};
  const pair = (keepAlive: boolean): AgentPair => ({
    http: connectingFirst(new http.Agent({ keepAlive }), 'connect', connectTimeoutMs),
    https: connectingFirst(
      new https.Agent({ keepAlive, ...tls, ...trust }),
      'secureConnect',
      connectTimeoutMs,
      proxyFor,
    ),
  });
  return { reads: pair(true), posts: pair(false) };
}

function connectingFirst<A extends http.Agent>(
  agent: A,
  connected: 'connect' | 'secureConnect',
  timeoutMs: number,
  proxyFor: ProxyChoice = () => undefined,
): A {
  const open = agent.createConnection.bind(agent);
  agent.createConnection = (options: http.ClientRequestArgs, callback) => {
    // Node may call it with only an error, although its types do not say so.
    const handOver = callback as (error: Error | null, socket?: Duplex) => void;
    let socket: Duplex | undefined;
    let isSettled = false;
    const settle = (error: Error | null) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      socket?.off('error', settle).off(connected, onConnected);
      if (error === null) return handOver(null, socket);
      // Nobody handles a second error while the socket is being destroyed.
      socket?.on('error', () => {}).destroy();
      handOver(error);
    };
    // Waits until the rest of the handshake is written, so that the request does not queue behind it (write-gate.ts).
    const onConnected = () => socket && whenDrained(socket, () => settle(null));
    const toTarget = (through?: Duplex) => {
      try {
        const made = open({ ...options, ...(through ? { socket: through } : {}) }) as Duplex;
        socket = made.once('error', settle).once(connected, onConnected);
      } catch (error) {
        // The client key does not match its certificate, or is encrypted.
        settle(error as Error);
      }
    };
    const timer = setTimeout(
      () => settle(errorWithCode('CONNECT_TIMEOUT', `no connection within ${timeoutMs} ms`)),
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
