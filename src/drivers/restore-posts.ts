import { mayHavePassedMs, momentOf } from '../domain/clock.ts';
import type { CloudFailure, StartOutcome } from '../domain/cloud.ts';
import { NOT_SENT } from '../network/write-gate.ts';
import type { ClientTools } from './api-client.ts';
import type { Permit, Reservation, StartRequest } from './driver.ts';
import type { Credential } from './http/exchange.ts';
import { type Exchange, RESOURCE_BYTES_MAX } from './http/exchange.ts';

/**
 * The POST of a restore, for every API: reserves a place in the budget and a credential first, then makes one attempt.
 * It never repeats the attempt, and makes none if the intent is out of date.
 */
export class RestorePosts {
  readonly #tools: ClientTools;
  /** The credential of each unused permit. */
  readonly #permits = new WeakMap<Permit, Credential>();

  constructor(tools: ClientTools) {
    this.#tools = tools;
  }

  async reserve(signal?: AbortSignal): Promise<Reservation> {
    const { http, session } = this.#tools;
    await http.reserve(signal);
    const result = await session.credential(signal);
    if (result.kind === 'unavailable') return result;
    const permit: Permit = { kind: 'permit' };
    this.#permits.set(permit, result.credential);
    return permit;
  }

  /** `classify` interprets the result as the API defines it. */
  async start(
    permit: Permit,
    { url, volume_id, fresh_until, maySend, onWrittenLate }: { readonly url: string } & StartRequest,
    classify: (exchange: Exchange, nowMs: number) => StartOutcome,
  ): Promise<StartOutcome> {
    const credential = this.#permits.get(permit);
    if (credential === undefined) throw new Error('a permit is good for one POST of the driver that made it');
    this.#permits.delete(permit);
    const { http, session, clock } = this.#tools;
    // Rule: pause-blocks-a-reserved-post
    if (http.pausedForMs > 0)
      return notSent('NOT_SENT_THROTTLED', 'the cloud asked for a pause before the request could leave', {
        retry_after_ms: http.pausedForMs,
      });
    // Rule: throttled-run-reserves-again-before-the-post
    // The place was reserved before the reads and the intent. In a slowed-down run it may be out of turn, so a new one
    // is reserved.
    if (http.isSlow) await http.reserve();
    const isFresh = () => mayHavePassedMs(clock, fresh_until) <= 0;
    if (!isFresh()) return notSent(NOT_SENT, 'the intent was out of date before the request could leave');
    const isAllowed = () =>
      isFresh() &&
      (maySend?.() ?? true) &&
      // Rule: pause-blocks-a-post-until-it-is-written
      http.pausedForMs === 0;
    let checkedAt = momentOf(clock);
    // Rule: post-is-sent-once
    const exchange = await http.sendReserved({
      method: 'POST',
      url,
      headers: {},
      credential,
      body: JSON.stringify({ restore: { volume_id } }),
      maxBytes: RESOURCE_BYTES_MAX,
      maySend: () => {
        checkedAt = momentOf(clock);
        return isAllowed();
      },
      onWritten: () => {
        if (!isAllowed()) onWrittenLate?.(mayHavePassedMs(clock, checkedAt));
      },
    });
    const outcome = classify(exchange, clock.now());
    if (exchange.kind === 'answer' && outcome.kind === 'rejected' && outcome.again === 'reauthenticate')
      session.reportRefused(credential, exchange);
    return outcome;
  }
}

function notSent(
  code: string,
  message: string,
  more: Pick<CloudFailure, 'retry_after_ms'> = {},
): StartOutcome {
  return { kind: 'not_sent', failure: { cause: 'held_back', message, code, ...more } };
}
