import type { FaultFacts } from '../../src/emulator/faults.ts';
import type { Backup, Volume, World } from '../../src/emulator/model.ts';
import type { Fault } from './scenario.ts';

interface Copy {
  readonly at_ms: number;
  readonly text: string;
}

/** Databases that have not heard of the newest yet: reads that show disks and backups as they were. */
export class Replicas {
  readonly #world: World;
  readonly #rules: { readonly fault: Fault; matched: number; fired: number }[];
  readonly #copies: Copy[] = [];

  constructor(world: World, faults: readonly Fault[]) {
    this.#world = world;
    this.#rules = faults
      .filter(({ effect }) => effect.kind === 'stale')
      .map((fault) => ({ fault, matched: 0, fired: 0 }));
  }

  /** Keeps a copy of how it is now. */
  note(at_ms: number): void {
    if (this.#rules.length === 0) return;
    const { volumes, backups } = this.#world;
    const text = JSON.stringify({ volumes, backups });
    if (this.#copies.at(-1)?.text !== text) this.#copies.push({ at_ms, text });
  }

  /** The world that this read sees, when it meets an older one. */
  older(facts: Omit<FaultFacts, 'nth'>, now_ms: number): World | undefined {
    for (const rule of this.#rules) {
      const { fault } = rule;
      if (fault.route !== facts.route || rule.fired >= fault.times) continue;
      if (rule.matched++ < fault.after) continue;
      rule.fired++;
      if (fault.effect.kind !== 'stale') continue;
      const asOf = now_ms - fault.effect.lag_ms;
      const copy = this.#copies.findLast(({ at_ms }) => at_ms <= asOf) ?? this.#copies[0];
      if (!copy) return undefined;
      const shown = JSON.parse(copy.text) as {
        volumes: Record<string, Volume>;
        backups: Record<string, Backup>;
      };
      return { ...this.#world, ...shown, scheduled_events: [] };
    }
    return undefined;
  }
}
