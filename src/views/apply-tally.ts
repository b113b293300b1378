import { unreachable } from '../domain/errors.ts';
import { type ApplyEvent, countResults, resultOf } from '../domain/events.ts';
import { grouped } from '../domain/grouped.ts';
import type { Address } from '../domain/spec.ts';
import { clip, sanitize } from './terminal.ts';
import { phrasesOf, stopwatch } from './words.ts';

/** A restore that the run is working on. */
interface CurrentRestore {
  readonly address: Address;
  /** One word: `waiting`, `restoring`. */
  readonly phase: string;
  /** Details of the phase, sanitized; may be empty. */
  readonly note: string;
  /** Monotonic, ms. */
  readonly since_ms: number;
}

/** The progress of a run, folded from its events. */
export class EventCounter {
  readonly #current = new Map<Address, CurrentRestore>();
  readonly #ended = countResults([]);
  #restores = 0;

  /** In the order in which the run began to work on them. */
  get current(): readonly CurrentRestore[] {
    return [...this.#current.values()];
  }

  /** `now`: monotonic, ms. */
  update(event: ApplyEvent, now: number): void {
    if (event.type === 'run_started') this.#restores = event.restores;
    if (event.type === 'ended') {
      this.#current.delete(event.address);
      this.#ended[resultOf(event.end)] += 1;
    }
    const next = phaseOf(event);
    if (!next || !('address' in event)) return;
    const { address } = event;
    const known = this.#current.get(address);
    if (!known && event.type !== 'preparing') return;
    const [phase, note] = next;
    this.#current.set(address, { address, phase, note: sanitize(note), since_ms: known?.since_ms ?? now });
  }

  /** `4 of 12 done · 2 running · 1 waiting · 1 unknown · 00:42` */
  counter(elapsedMs: number): string {
    const { succeeded, failed, unknown, running, intended, unsaved, not_started, blocked } = this.#ended;
    const waiting = this.current.filter(({ phase }) => phase === 'waiting').length;
    return [
      `${grouped(succeeded)} of ${grouped(this.#restores)} done`,
      ...phrasesOf([
        [this.#current.size - waiting, 'running'],
        [waiting, 'waiting'],
        [failed, 'failed'],
        [unknown, 'unknown'],
        [running, 'left running'],
        [intended, 'sent (outcome open)'],
        [unsaved, 'not saved'],
        [not_started, 'not started'],
        [blocked, 'blocked'],
      ]),
      stopwatch(elapsedMs),
    ].join(' · ');
  }
}

/** The phase of a restore after the event; undefined if the event changes none. */
function phaseOf(event: ApplyEvent): [phase: string, note: string] | undefined {
  switch (event.type) {
    case 'preparing':
      return [event.resumed ? 'resuming' : 'checking', ''];
    case 'waiting':
      return ['waiting', event.reason];
    case 'intended':
      return ['sending', event.attempt === 1 ? '' : `attempt ${event.attempt}`];
    case 'accepted':
      return ['restoring', event.job_id === undefined ? '' : `job ${clip(event.job_id, JOB_ID_COLUMNS_MAX)}`];
    case 'answered': {
      const { status, cause } = event.failure;
      return ['checking', `after ${status ? `HTTP ${status}` : cause.replace('_', ' ')}`];
    }
    case 'checking':
      return ['checking', event.reason];
    case 'adopted':
      return ['restoring', event.reason];
    case 'not_started':
      return ['retrying', event.reason];
    case 'progress':
      return ['restoring', event.note === 'restoring' ? '' : event.note];
    case 'run_started':
    case 'ended':
    case 'written_late':
    case 'slowed_down':
    case 'state_slow':
    case 'state_written':
    case 'halted':
    case 'run_ended':
      return undefined;
    default:
      return unreachable(event);
  }
}

/** Enough to recognise the job; the whole id stands in the line above. */
const JOB_ID_COLUMNS_MAX = 9;
