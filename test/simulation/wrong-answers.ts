import type { Exchange } from '../../src/drivers/http/exchange.ts';
import type { Fault } from './scenario.ts';

/** Answers that are about another disk or backup than was asked about. */
export class WrongAnswers {
  readonly #rules: { readonly fault: Fault; matched: number; fired: number }[];

  constructor(faults: readonly Fault[]) {
    this.#rules = faults
      .filter(({ effect }) => effect.kind === 'wrong_answer')
      .map((fault) => ({ fault, matched: 0, fired: 0 }));
  }

  /** The same answer, or one in which each of the ids is another's. */
  replaceIds(route: Fault['route'], ids: readonly string[], exchange: Exchange): Exchange {
    if (exchange.kind !== 'answer' || exchange.status >= 300) return exchange;
    for (const rule of this.#rules) {
      const { fault } = rule;
      if (fault.route !== route || rule.fired >= fault.times || rule.matched++ < fault.after) continue;
      rule.fired++;
      const text = ids.reduce((before, id) => before.replaceAll(id, anotherThan(id)), exchange.text);
      return { ...exchange, text };
    }
    return exchange;
  }
}

function anotherThan(id: string): string {
  return `${id.startsWith('0') ? '1' : '0'}${id.slice(1)}`;
}
