import type { Audit } from './audit.ts';
import type { FaultKind, FaultPlan, RouteKind } from './faults.ts';
import type { World } from './model.ts';
import type { OperatorAction, OperatorResult } from './operator.ts';
import type { SeedOptions } from './seed.ts';

/** What an emulator is asked for, and what it can be asked. */

/** One request, as told to `onRequest`. */
export interface RequestLog {
  at_ms: number;
  method: string;
  /** With the query. */
  path: string;
  /** `refused`: turned away before it was looked at, by its host, origin or content type. */
  route: RouteKind | 'admin' | 'refused';
  /** Null when the client gets no answer. */
  status: number | null;
  fault: FaultKind | null;
  request_id: string;
}

export interface EmulatorOptions {
  /** How a new world looks; ignored when `worldFile` already holds one. Default: seven servers and their disks. */
  seed?: SeedOptions;
  /** A ready-made world instead of a seeded one; ignored when `worldFile` already holds one. */
  world?: World;
  /** Keep the world in this file, durably, so that the next process continues it. Default: in memory only. */
  worldFile?: string;
  /** Aborted: the start no longer waits for another process that uses the world file, and rejects with its reason. */
  signal?: AbortSignal;
  /**
   * What goes wrong. A world that already runs under the same plan keeps its counters, so that a plan is one
   * story however many processes it takes; another plan replaces it.
   */
  faults?: FaultPlan;
  /** Epoch milliseconds. Default: `Date.now`. */
  clock?: () => number;
  /** New ids of requests, tokens, jobs and backups. Default: random UUIDs. */
  newId?: () => string;
  /** Default 127.0.0.1. */
  host?: string;
  /**
   * Host names under which requests may come in, beside 127.0.0.1, localhost, [::1] and the address that is listened
   * on. A browser can be led to this port by any other name.
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
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  url: string;
  /** The Keystone v3 endpoint: `{url}/v3`. */
  authUrl: string;
  port: number;
  /** Names the world, whatever port serves it: bind a state to this rather than to the URL. */
  worldId: string;
  credentials: Credentials;
  /** The `OS_*` variables of a client that uses this cloud. */
  env(): Record<string, string>;
  /** What truly happened, never affected by faults. */
  audit(): Audit;
  /** A copy of the whole world as it is now. */
  world(): World;
  /** What an operator or another client does to the cloud behind the back of the one under test. */
  perform(action: OperatorAction): Promise<OperatorResult>;
  /** Replaces the fault plan. */
  setFaults(plan: FaultPlan): Promise<void>;
  /** Every token given out so far is refused from now on. */
  expireTokens(): Promise<void>;
  /** Drops all connections and frees the port; what was accepted is durable before this resolves. */
  close(): Promise<void>;
}
