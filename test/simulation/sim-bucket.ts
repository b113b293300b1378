import { createHash } from 'node:crypto';
import type { Bucket, Conditions } from '../../src/state/s3/objects.ts';
import type { SimClock } from './sim-clock.ts';
import type { SimProcess, StoreOp } from './sim-process.ts';

/** What hits the n-th to m-th request of a kind. */
export interface StoreFault {
  readonly op: StoreOp;
  readonly after: number;
  readonly times: number;
  readonly effect: StoreEffect;
}

export type StoreEffect =
  /** The connection breaks before the request had its effect, or after. */
  | { readonly kind: 'lost'; readonly when: 'before' | 'after' }
  /** It is kept back on its way; `reset`: its sender hears of a broken connection at once, else of nothing. */
  | { readonly kind: 'late'; readonly after_ms: number; readonly reset: boolean }
  /** It has its effect at once, and the answer takes its time. */
  | { readonly kind: 'slow'; readonly delay_ms: number }
  | { readonly kind: 'busy'; readonly when: 'before' | 'after'; readonly status: 409 | 429 | 500 | 503 }
  | { readonly kind: 'denied' };

/** An object was written or removed. `at`, and when that was `sent`: monotonic ms. */
export interface Stored {
  readonly key: string;
  readonly text: string | undefined;
  readonly by: SimProcess;
  readonly at: number;
  readonly sent: number;
}

export interface BucketHooks {
  readonly stored: (what: Stored) => void;
  readonly met: (fault: string, process: SimProcess) => void;
}

const ONE_WAY_MS = 10;
/** What a client waits for an answer that never comes. */
const CLIENT_TIMEOUT_MS = 30_000;

interface Entry {
  readonly text: string;
  readonly etag: string;
  /** Epoch ms; told in whole seconds, as S3 does. */
  readonly modified: number;
}

/** A store that keeps S3's promises: one object at a time, strongly consistent, conditions heeded. */
export class SimBucket {
  /** While true nothing connects, and answers under way are lost. */
  away = false;
  /** Nothing goes wrong any more. */
  isFinalPhase = false;
  readonly #objects = new Map<string, Entry>();
  readonly #clock: SimClock;
  readonly #rules: { readonly fault: StoreFault; matched: number; fired: number }[];
  readonly #hooks: BucketHooks;

  constructor(clock: SimClock, faults: readonly StoreFault[], hooks: BucketHooks) {
    this.#clock = clock;
    this.#rules = faults.map((fault) => ({ fault, matched: 0, fired: 0 }));
    this.#hooks = hooks;
  }

  /** The store as a process has it. `opOf`: what a write of this object is to it. */
  of(process: SimProcess, opOf: (key: string) => StoreOp): Bucket {
    const ask = <T>(op: StoreOp, serve: (sent: number) => T) =>
      process.io(op, () => {
        const sent = this.#clock.monotonic();
        return this.#ask(process, op, () => serve(sent));
      });
    return {
      get: (key) =>
        ask('fetch', () => {
          const found = this.#objects.get(key);
          if (!found) throw answer(404, 'NoSuchKey');
          const { text, etag, modified } = found;
          const date = new Date(this.#clock.now()).toUTCString();
          return { bytes: Buffer.from(text), etag, modified: new Date(seconds(modified)), date };
        }),
      put: (key, body, condition) =>
        ask(opOf(key), (sent) => {
          const text = String(body);
          this.#heed(key, condition);
          const etag = `"${createHash('md5').update(text).digest('hex')}"`;
          this.#objects.set(key, { text, etag, modified: this.#clock.now() });
          this.#hooks.stored({ key, text, by: process, at: this.#clock.monotonic(), sent });
          return etag;
        }),
      remove: (key, condition) =>
        ask('delete', (sent) => {
          this.#heed(key, condition);
          this.#objects.delete(key);
          this.#hooks.stored({ key, text: undefined, by: process, at: this.#clock.monotonic(), sent });
        }),
    };
  }

  #heed(key: string, { IfMatch, IfNoneMatch }: Conditions): void {
    const standing = this.#objects.get(key);
    if (IfNoneMatch !== undefined && standing) throw answer(412, 'PreconditionFailed');
    if (IfMatch === undefined) return;
    if (!standing) throw answer(404, 'NoSuchKey');
    if (standing.etag !== IfMatch) throw answer(412, 'PreconditionFailed');
  }

  /** One request, as its sender sees it. */
  async #ask<T>(process: SimProcess, op: StoreOp, serve: () => T): Promise<T> {
    const effect = this.isFinalPhase ? undefined : this.#draw(op);
    if (effect) this.#hooks.met(`${op} ${effect.kind}`, process);
    if (this.away) {
      this.#hooks.met(`${op} away`, process);
      throw broken();
    }
    if (effect?.kind === 'late') return this.#late(effect, serve);
    await this.#clock.sleep(ONE_WAY_MS);
    if (this.away || (effect?.kind === 'lost' && effect.when === 'before')) throw broken();
    if (effect?.kind === 'denied') throw answer(403, 'AccessDenied');
    if (effect?.kind === 'busy' && effect.when === 'before') throw answer(effect.status, 'SlowDown');
    const served = serve();
    await this.#clock.sleep(ONE_WAY_MS);
    if (effect?.kind === 'slow') {
      await this.#clock.sleep(Math.min(effect.delay_ms, CLIENT_TIMEOUT_MS));
      if (effect.delay_ms >= CLIENT_TIMEOUT_MS) throw timedOut();
    }
    if (this.away || effect?.kind === 'lost') throw broken();
    if (effect?.kind === 'busy') throw answer(effect.status, 'InternalError');
    return served;
  }

  async #late<T>({ after_ms, reset }: Extract<StoreEffect, { kind: 'late' }>, serve: () => T): Promise<T> {
    const arrives = this.#clock.sleep(after_ms).then(() => {
      if (this.away) throw broken();
      return serve();
    });
    // Nobody may be there any more who hears of it.
    arrives.catch(() => {});
    if (reset) throw broken();
    if (after_ms < CLIENT_TIMEOUT_MS) return arrives;
    await this.#clock.sleep(CLIENT_TIMEOUT_MS);
    throw timedOut();
  }

  #draw(op: StoreOp): StoreEffect | undefined {
    for (const rule of this.#rules) {
      const { fault } = rule;
      if (fault.op !== op || rule.fired >= fault.times || rule.matched++ < fault.after) continue;
      rule.fired++;
      return fault.effect;
    }
    return undefined;
  }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}

/** As the AWS SDK throws them. */
function answer(status: number, name: string): Error {
  return Object.assign(new Error(`drawn: ${name}`), { name, $metadata: { httpStatusCode: status } });
}

function broken(): Error {
  return Object.assign(new Error('drawn: socket hang up'), { code: 'ECONNRESET' });
}

function timedOut(): Error {
  return Object.assign(new Error('drawn: no answer'), { name: 'TimeoutError' });
}
