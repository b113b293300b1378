import { expect } from 'chai';
import type { RestoreSpec } from '../../src/domain/spec.ts';
import { type Given, planOf, story } from './builders.ts';

/** One situation and the plan that must come of it, in the words of `story`. */
export interface Case extends Given {
  readonly specs: readonly RestoreSpec[];
  readonly plan: { readonly [what: string]: string };
}

export function checkAll(cases: { readonly [name: string]: Case }): void {
  for (const [name, { specs, plan, ...given }] of Object.entries(cases)) {
    it(name, () => {
      expect(story(planOf(specs, given))).to.deep.equal(plan);
    });
  }
}
