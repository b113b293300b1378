import type { Audit } from './audit.ts';
import type { FaultKind, FaultPlan, RouteKind } from './faults.ts';
import type { World } from './model.ts';
import type { OperatorAction, OperatorResult } from './operator.ts';
import type { SeedOptions } from './seed.ts';

/** The options and functions of an emulator. */

/** One request, as passed to `onRequest`. */
export interface RequestLog {
  at_ms: number;
  method: string;
  /** Includes the query. */
  path: string;
  /** `refused`: because of its host, origin or content type, before it was processed. */
  route: RouteKind | 'admin' | 'refused';
  /** Null if the client gets no answer. */
  status: number | null;
  fault: FaultKind | null;
  request_id: string;
}

export interface EmulatorOptions {
  /** How to create a new world; ignored if `worldFile` already holds one. Default: seven servers and their volumes. */
  seed?: SeedOptions;
  /** A prepared world instead of a seeded one; ignored if `worldFile` already holds one. */
  world?: World;
  /** Keeps the world durably in this file, so that the next process continues it. Default: in memory only. */
  worldFile?: string;
  /** If aborted, the start stops waiting for another process that uses the world file, and rejects with its reason. */
  signal?: AbortSignal;
  /**
   * The faults. A world that already runs under the same plan keeps its counters, so that one plan can continue over
   * several processes. Another plan replaces it.
   */
  faults?: FaultPlan;
  /** Epoch milliseconds. Default: `Date.now`. */
  clock?: () => number;
  /** New ids of requests, tokens, jobs and backups. Default: random UUIDs. */
  newId?: () => string;
  /** Default 127.0.0.1. */
  host?: string;
  /**
   * Additional host names that requests may use, besides 127.0.0.1, localhost, [::1] and the address that the server
   * listens on. Any other name is refused, because a page in a browser could use it to reach this port.
   */
  allowHosts?: readonly string[];
  /** Default 0: any free port. */
  port?: number;
  /** Serve HTTPS with this PEM key and certificate. */
  tls?: { key: string | Buffer; cert: string | Buffer };
  /** Called once per request, when its answer (or the lack of one) has been decided. */
  onRequest?: (request: RequestLog) => void;
}

export interface Credentials {
  username: string;
  password: string;
  project_name: string;
  project_id: string;
  domain_name: string;
  region_name: string;
  application_credential_id: string;
  application_credential_secret: string;
  access_key: string;
  secret_key: string;
}

export interface Emulator {
  /** `http://127.0.0.1:PORT`, without a trailing slash. */
  url: string;
  /** The Keystone v3 endpoint: `{url}/v3`. */
  authUrl: string;
  port: number;
  /** Identifies the world, independent of the port. Bind a state to this id instead of the URL. */
  worldId: string;
  credentials: Credentials;
  /** The `OS_*` variables of a client that uses this cloud. */
  env(): Record<string, string>;
  /** What really happened. Faults never change it. */
  audit(): Audit;
  /** A copy of the whole world as it is now. */
  world(): World;
  /** Carries out an action of an operator or of another client, which the client under test does not know about. */
  perform(action: OperatorAction): Promise<OperatorResult>;
  /** Replaces the fault plan. */
  setFaults(plan: FaultPlan): Promise<void>;
  /** Invalidates every token that was issued so far. */
  expireTokens(): Promise<void>;
  /** Drops all connections and frees the port. Accepted changes are durable before this resolves. */
  close(): Promise<void>;
}
