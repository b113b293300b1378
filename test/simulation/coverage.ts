import type { ApplyEvent } from '../../src/domain/events.ts';
import type { Plan } from '../../src/domain/plan.ts';

/** What the executor is at with one restore, seen from outside. */
export type Phase = 'planning' | 'getting ready' | 'posting' | 'probing' | 'following' | 'at rest';

/** What became of it next. */
export type PhaseResult =
  | 'accepted'
  | 'adopt'
  | 'retry'
  | 'wait'
  | 'failed'
  | 'unknown'
  | 'succeeded'
  | 'not started';

/** What became of a lease whose holder was frozen until somebody took it over. */
export type LeaseResult =
  /** It woke up in time, or no other run came. */
  | 'kept'
  /** It had nothing left to write. */
  | 'given up'
  /** Its commit was refused; `and left`: what it knew went to errored.state.json. */
  | 'refused'
  | 'refused and left';

/** `fault | phase | result` → how often. */
export type Matrix = Map<string, number>;

interface Under {
  readonly volume_id: string;
  readonly backup_id: string;
  phase: Phase;
  /** Faults that nothing has followed yet. */
  readonly pending: { readonly fault: string; readonly phase: Phase }[];
}

/** Which faults met which phase of a restore, and what came of it. */
export class Coverage {
  readonly matrix: Matrix = new Map();
  readonly faults = new Map<string, number>();
  readonly #restores = new Map<string, Under>();

  planned({ actions }: Plan): void {
    for (const action of actions) {
      if (action.kind !== 'restore' && action.kind !== 'resume') continue;
      const { address, volume, backup } = action;
      const phase =
        action.kind === 'restore' ? 'planning' : action.record.status === 'running' ? 'following' : 'probing';
      const pending = this.#restores.get(action.was ?? address)?.pending ?? [];
      this.#restores.set(address, {
        volume_id: volume.id ?? '',
        backup_id: backup.id ?? '',
        phase,
        pending,
      });
    }
  }

  edited(kind: string, addresses: readonly string[]): void {
    this.#count(`manifest ${kind}`);
    for (const address of addresses) this.#hit(`manifest ${kind}`, this.#restores.get(address));
  }

  /** `on`: the disk or backup that it befell; everything that is under way when absent. */
  fault(kind: string, on: { readonly volume_id?: string; readonly backup_id?: string } | undefined): void {
    this.#count(kind);
    for (const restore of this.#restores.values()) {
      const meant =
        (on?.volume_id === undefined && on?.backup_id === undefined) ||
        on.volume_id === restore.volume_id ||
        (on.volume_id === undefined && on.backup_id === restore.backup_id);
      if (meant) this.#hit(kind, restore);
    }
  }

  /** `where`: the point at which its holder was frozen. */
  lease(where: string, result: LeaseResult): void {
    const cell = `S3 frozen ${where} | lease | ${result}`;
    this.matrix.set(cell, (this.matrix.get(cell) ?? 0) + 1);
  }

  event(event: ApplyEvent): void {
    if (!('address' in event)) return;
    const restore = this.#restores.get(event.address);
    if (!restore) return;
    switch (event.type) {
      case 'preparing':
        if (!event.resumed) restore.phase = 'getting ready';
        break;
      case 'waiting':
        restore.phase = 'getting ready';
        break;
      case 'intended':
        restore.phase = 'posting';
        break;
      case 'answered':
        restore.phase = 'probing';
        break;
      case 'accepted':
        this.#follow(restore, 'accepted', true);
        restore.phase = 'following';
        break;
      case 'checking':
        this.#follow(restore, 'wait', false);
        restore.phase = 'probing';
        break;
      case 'adopted':
        this.#follow(restore, 'adopt', true);
        restore.phase = 'following';
        break;
      case 'not_started':
        this.#follow(restore, 'retry', true);
        restore.phase = 'getting ready';
        break;
      case 'progress':
      case 'written_late':
        break;
      case 'ended': {
        const { end } = event;
        if (end.kind === 'unsaved') break;
        const status = end.kind === 'recorded' ? end.record.status : 'not started';
        if (status === 'intended' || status === 'running') break;
        this.#follow(restore, status, true);
        restore.phase = 'at rest';
        break;
      }
      default:
        event satisfies never;
    }
  }

  #hit(fault: string, restore: Under | undefined): void {
    if (restore && restore.phase !== 'at rest') restore.pending.push({ fault, phase: restore.phase });
  }

  #follow(restore: Under, result: PhaseResult, decided: boolean): void {
    for (const { fault, phase } of new Map(
      restore.pending.map((pending) => [`${pending.fault} ${pending.phase}`, pending]),
    ).values()) {
      const cell = `${fault} | ${phase} | ${result}`;
      this.matrix.set(cell, (this.matrix.get(cell) ?? 0) + 1);
    }
    if (decided) restore.pending.length = 0;
  }

  #count(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }
}
