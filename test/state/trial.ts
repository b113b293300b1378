import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/cli/system.ts';
import type { Backend } from '../../src/state/backend.ts';
import { openBackend } from '../../src/state/open-backend.ts';
import { FaultProxy } from './fault-proxy.ts';

/** A server of one kind, and how the places on it are reached. */
export interface TrialServer {
  readonly name: string;
  /** What is to be installed, where it is not. */
  readonly missing?: string | undefined;
  readonly freeze: Freeze;
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  /** Starts again after a stop, with all that it kept. */
  start(): Promise<void>;
  stop(): Promise<void>;
  dispose(): Promise<void>;
  /** A place of its own, at this port; a `short` lease lasts three seconds where there is one. */
  location(port: number, key: string, lease: Lease): string;
  /** What the first packet of a state write to that place looks like. */
  write(key: string): RegExp;
  /** What the packet that releases the lock on that place looks like. */
  release(key: string): RegExp;
}

/**
 * What becomes of the lock of a holder that freezes: it ends, and another takes over; or it stands until a person
 * unlocks.
 */
export type Freeze = 'takeover' | 'person';

/** `short`: for who waits for its end. A busy machine may miss it. */
export type Lease = 'short' | 'usual';

/** The longest that a takeover of a short lease may take on a busy machine, ms. */
export const TAKEOVER_WITHIN_MS = 30_000;

/** A place on a server, reached through a network that the test can break. */
export class Trial {
  readonly location: string;
  /** State writes that came to the server so far. */
  readonly writes: () => number;
  readonly #server: TrialServer;
  readonly #proxy: FaultProxy;
  readonly #write: RegExp;
  readonly #release: RegExp;

  private constructor(server: TrialServer, proxy: FaultProxy, port: number, lease: Lease) {
    const key = randomUUID();
    this.#server = server;
    this.#proxy = proxy;
    this.#write = server.write(key);
    this.#release = server.release(key);
    this.location = server.location(port, key, lease);
    this.writes = proxy.count(this.#write);
  }

  static async open(server: TrialServer, lease: Lease): Promise<Trial> {
    const proxy = new FaultProxy(() => ({ host: '127.0.0.1', port: server.port }));
    return new Trial(server, proxy, await proxy.start(), lease);
  }

  get env(): Readonly<Record<string, string>> {
    return this.#server.env;
  }

  backend(): Promise<Backend> {
    const { env } = this;
    return openBackend(this.location, { clock: systemClock, newId: randomUUID, settleMs: 1_000, env });
  }

  /** Loses the answers to the next so many state writes, which the server has taken. */
  loseWriteAnswers(times: number): void {
    this.#proxy.loseAnswers(this.#write, times);
  }

  loseReleaseAnswer(): void {
    this.#proxy.loseAnswers(this.#release, 1);
  }

  get lostAnswers(): number {
    return this.#proxy.lost;
  }

  /** Whoever is connected is cut off, and nobody comes in before the server is up again and has what it kept. */
  async stopServer(): Promise<() => Promise<void>> {
    const mend = this.#proxy.cutOff();
    await this.#server.stop();
    return async () => {
      await this.#server.start();
      mend();
    };
  }

  /** Cuts every connection that stands; new ones are let through. */
  cutConnections(): void {
    this.#proxy.cutOff()();
  }

  close(): Promise<void> {
    return this.#proxy.stop();
  }
}
