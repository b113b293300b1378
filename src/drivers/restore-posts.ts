import { mayHavePassedMs, momentOf } from '../domain/clock.ts';
import type { CloudFailure, StartOutcome } from '../domain/cloud.ts';
import type { ClientTools } from './api-client.ts';
import type { Permit, Reservation, StartRequest } from './driver.ts';
import type { Credential } from './http/exchange.ts';
import { type Exchange, THING_BYTES_MAX } from './http/exchange.ts';

/**
 * The POST of a restore, the same way in every API: a place in the budget and a credential beforehand, then one
 * attempt, never repeated, and not even one when its intent is out of date.
 */
export class RestorePosts {
  readonly #tools: ClientTools;
  /** Of each permit not used yet. */
  readonly #permits = new WeakMap<Permit, Credential>();

  constructor(tools: ClientTools) {
    this.#tools = tools;
  }

  async reserve(signal?: AbortSignal): Promise<Reservation> {
    const { wire, session } = this.#tools;
    await wire.reserve(signal);
    const grant = await session.credential(signal);
    if (grant.kind === 'refused') return grant;
    const permit: Permit = { kind: 'permit' };
    this.#permits.set(permit, grant.credential);
    return permit;
  }

  /** `classify` is the API's own reading of what came. */
  async start(
    permit: Permit,
    { url, volume_id, fresh_until, mayLeave, onWrittenLate }: { readonly url: string } & StartRequest,
    classify: (exchange: Exchange, nowMs: number) => StartOutcome,
  ): Promise<StartOutcome> {
    const credential = this.#permits.get(permit);
    if (credential === undefined) throw new Error('a permit is good for one POST of the driver that made it');
    this.#permits.delete(permit);
    const { wire, session, clock } = this.#tools;
    // Rule: pause-holds-a-reserved-post
    if (wire.pausedForMs > 0)
      return notSent('NOT_SENT_THROTTLED', 'the cloud asked for a pause before the request could leave', {
        retry_after_ms: wire.pausedForMs,
      });
    // Rule: slow-run-takes-another-place
    // A place taken before looks and intent is used among the places of others. Where that is too much: another one, now.
    if (wire.isSlow) await wire.reserve();
    const isFresh = () => mayHavePassedMs(clock, fresh_until) <= 0;
    if (!isFresh())
      return notSent('NOT_SENT_STALE', 'the intent was out of date before the request could leave');
    const may = () =>
      isFresh() &&
      (mayLeave?.() ?? true) &&
      // Rule: pause-holds-a-post-to-the-last
      wire.pausedForMs === 0;
    let asked = momentOf(clock);
    // Rule: post-is-sent-once
    const exchange = await wire.sendReserved({
      method: 'POST',
      url,
      headers: {},
      credential,
      body: JSON.stringify({ restore: { volume_id } }),
      maxBytes: THING_BYTES_MAX,
      mayLeave: () => {
        asked = momentOf(clock);
        return may();
      },
      onWritten: () => {
        if (!may()) onWrittenLate?.(mayHavePassedMs(clock, asked));
      },
    });
    const outcome = classify(exchange, clock.now());
    if (exchange.kind === 'answer' && outcome.kind === 'rejected' && outcome.again === 'reauthenticate')
      session.refused(credential, exchange);
    return outcome;
  }
}

function notSent(
  code: string,
  message: string,
  more: Pick<CloudFailure, 'retry_after_ms'> = {},
): StartOutcome {
  return { kind: 'not_sent', failure: { cause: 'no_connection', message, code, ...more } };
}
