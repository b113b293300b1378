import { unreachable } from '../domain/errors.ts';
import type { ApplyEvent } from '../domain/events.ts';
import type { Address } from '../domain/spec.ts';
import { clip, sanitize } from './terminal.ts';
import { grouped, stopwatch } from './words.ts';

/** One restore under way. */
export interface Underway {
  readonly address: Address;
  /** One word: what it is doing. */
  readonly phase: string;
  /** More about it, sanitized; may be empty. */
  readonly note: string;
  /** Monotonic, ms. */
  readonly since_ms: number;
}

/** How a run stands between its events. */
export class Tally {
  readonly #underway = new Map<Address, Underway>();
  #restores = 0;
  #ended = {
    done: 0,
    failed: 0,
    unknown: 0,
    running: 0,
    intended: 0,
    unsaved: 0,
    not_started: 0,
    blocked: 0,
  };

  /** In the order in which they began. */
  get underway(): ReadonlyMap<Address, Underway> {
    return this.#underway;
  }

  /** `now`: monotonic, ms. */
  take(event: ApplyEvent, now: number): void {
    switch (event.type) {
      case 'run_started':
        this.#restores = event.restores;
        return;
      case 'preparing':
        this.#underway.set(event.address, {
          address: event.address,
          phase: event.resumed ? 'resuming' : 'looking',
          note: '',
          since_ms: now,
        });
        return;
      case 'waiting':
        this.#set(event.address, 'waiting', sanitize(event.reason));
        return;
      case 'intended':
        this.#set(event.address, 'sending', event.attempt === 1 ? '' : `attempt ${event.attempt}`);
        return;
      case 'accepted':
        this.#set(
          event.address,
          'restoring',
          event.job_id === undefined ? '' : `job ${shortId(event.job_id)}`,
        );
        return;
      case 'answered':
        this.#set(
          event.address,
          'looking',
          `after ${event.failure.status ? `HTTP ${event.failure.status}` : event.failure.cause.replace('_', ' ')}`,
        );
        return;
      case 'checking':
        this.#set(event.address, 'looking', sanitize(event.because));
        return;
      case 'adopted':
        this.#set(event.address, 'restoring', sanitize(event.because));
        return;
      case 'not_started':
        this.#set(event.address, 'retrying', sanitize(event.because));
        return;
      case 'progress':
        // The phase says it already.
        this.#set(event.address, 'restoring', event.note === 'restoring' ? '' : sanitize(event.note));
        return;
      case 'ended':
        this.#underway.delete(event.address);
        this.#count(event);
        return;
      case 'written_late':
      case 'slowed_down':
      case 'state_slow':
      case 'state_written':
      case 'halted':
      case 'run_ended':
        return;
      default:
        unreachable(event);
    }
  }

  /** `4 of 12 done · 2 running · 1 waiting · 1 unknown · 00:42` */
  counter(elapsedMs: number): string {
    const { done, failed, unknown, running, intended, unsaved, not_started, blocked } = this.#ended;
    const waiting = [...this.#underway.values()].filter(({ phase }) => phase === 'waiting').length;
    return [
      `${grouped(done)} of ${grouped(this.#restores)} done`,
      ...(
        [
          [this.#underway.size - waiting, 'running'],
          [waiting, 'waiting'],
          [failed, 'failed'],
          [unknown, 'unknown'],
          [running, 'left running'],
          [intended, 'left begun'],
          [unsaved, 'not saved'],
          [not_started, 'not started'],
          [blocked, 'blocked'],
        ] as const
      ).flatMap(([count, what]) => (count > 0 ? [`${grouped(count)} ${what}`] : [])),
      stopwatch(elapsedMs),
    ].join(' · ');
  }

  #set(address: Address, phase: string, note: string): void {
    const one = this.#underway.get(address);
    if (one) this.#underway.set(address, { ...one, phase, note });
  }

  #count({ end }: ApplyEvent & { type: 'ended' }): void {
    if (end.kind !== 'recorded') {
      this.#ended[end.kind] += 1;
      return;
    }
    switch (end.record.status) {
      case 'succeeded':
        this.#ended.done += 1;
        return;
      case 'failed':
        this.#ended.failed += 1;
        return;
      case 'unknown':
        this.#ended.unknown += 1;
        return;
      case 'running':
        this.#ended.running += 1;
        return;
      case 'intended':
        this.#ended.intended += 1;
        return;
      default:
        unreachable(end.record);
    }
  }
}

/** Enough of an id to tell it from its neighbours; the whole one stands in the line above. */
function shortId(id: string): string {
  return clip(sanitize(id), 9);
}
