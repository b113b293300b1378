import { expect } from 'chai';
import type { Plan } from '../../src/domain/plan.ts';
import type { PlanCommands } from '../../src/views/plan/next-commands.ts';
import type { PlanTextOptions } from '../../src/views/plan/parts.ts';
import { planBody, planText as planTextWith } from '../../src/views/plan/plan-text.ts';
import { planJson } from '../../src/views/plan-json.ts';
import { makeStyle } from '../../src/views/terminal.ts';
import { at, COMMANDS, DONE_PLAN, EMPTY_PLAN, NOW, PLAN } from './fixtures.ts';
import { expectGolden } from './golden.ts';

function planText(plan: Plan, options: PlanTextOptions, commands: Partial<PlanCommands> = {}): string {
  return planTextWith(plan, options, { ...COMMANDS, ...commands });
}

function only(kind: Plan['actions'][number]['kind'], more: Partial<Plan> = {}): Plan {
  return { ...EMPTY_PLAN, actions: PLAN.actions.filter((action) => action.kind === kind), ...more };
}

function withoutState({ state: _, ...plan }: Plan): Plan {
  return plan;
}

describe('the text of a plan', () => {
  it('golden, 80 columns', () => {
    expectGolden('plan-80', planText(PLAN, at(80)));
  });

  it('golden, 120 columns', () => {
    expectGolden('plan-120', planText(PLAN, at(120)));
  });

  it('matches the golden file in colour', () => {
    expectGolden('plan-color', planText(PLAN, { ...at(100), style: makeStyle(true) }));
  });

  it('matches the golden file without a state and offline', () => {
    expectGolden('plan-offline', planText(withoutState(only('restore', { offline: true })), at(80)));
  });

  it('counts done restores when there are many, lists them when asked', () => {
    const text = planText(DONE_PLAN, at(80));
    expect(text).to.contain('= 12 done, nothing to do (--show-done lists them)\n');
    expect(text).to.contain('Plan: nothing to do, 12 done.\n');
    expect(text).not.to.contain('pay-disk-3');
    expect(planText(DONE_PLAN, { ...at(80), showDone: true })).to.contain('= payments/disk-3 ');
  });

  it('never hides a rename or a superseded restore among many done ones', () => {
    const text = planText({ ...PLAN, actions: [...PLAN.actions, ...DONE_PLAN.actions] }, at(80));
    expect(text).to.contain('was payments/mail');
    expect(text).to.contain('raise generation to 3 at restores.yaml:38:7');
    expect(text).to.contain('= 13 more done');
  });

  it('lists renames of restores that --target leaves out', () => {
    const moves = [{ from: 'a/old', to: 'a/new' }];
    const text = planText({ ...only('noop'), moves }, at(80));
    expect(text).to.contain('Also renamed').and.contain('\n  a/old → a/new\n');
    const shown = only('noop').actions.map((action) => ({ ...action, was: 'a/old', address: 'a/new' }));
    expect(planText({ ...only('noop'), actions: shown, moves }, at(80))).not.to.contain('Also renamed');
  });

  it('says that a new rule is noted', () => {
    const [done, ...others] = DONE_PLAN.actions;
    if (done?.kind !== 'noop') throw new Error('the first one is done');
    const noted = { ...done, new_selector: { as_of: 'latest' } } as const;
    const text = planText({ ...DONE_PLAN, actions: [noted, ...others] }, at(80));
    expect(text).to.contain('its new rule (newest backup)');
    expect(text).to.contain('Plan: 1 to update in the state, 12 done.\n');
  });

  it('sums up', () => {
    expect(planText(PLAN, at(120))).to.contain(
      'Plan: 3 to restore, 1 to resume, 1 to rename, 3 done, 1 blocked, 1 expired.\n',
    );
    expect(planText(EMPTY_PLAN, at(120))).to.contain('Plan: nothing to do.\n');
  });

  describe('the next command', () => {
    const next = (plan: Plan, commands?: Partial<PlanCommands>) =>
      planText(plan, at(80), commands)
        .split('\n')
        .filter((line) => line.startsWith('→'));

    it('applies, as the caller would type it', () => {
      expect(next(only('restore'))).to.deep.equal(['→ vbsctl apply']);
      expect(next(only('restore'), { apply: 'vbsctl apply -f x.yaml' })).to.deep.equal([
        '→ vbsctl apply -f x.yaml',
      ]);
    });

    it('leaves out what is blocked', () => {
      expect(next(PLAN)).to.deep.equal([
        '→ vbsctl apply                 after you fix what is blocked',
        '→ vbsctl apply --skip-blocked  runs the others now',
      ]);
      expect(next(only('blocked'))).to.deep.equal(['→ vbsctl plan  after you fix what is blocked']);
    });

    it('makes a state first', () => {
      expect(next(withoutState(only('restore'))).slice(-2)).to.deep.equal([
        '→ vbsctl init   creates the state',
        '→ vbsctl apply',
      ]);
    });

    it('makes a state before a plan that is to be saved, and then the plan once more', () => {
      const saving = { plan: 'vbsctl plan --out p.json', apply: 'vbsctl apply p.json', saves: true };
      expect(next(withoutState(only('restore')), saving).slice(-2)).to.deep.equal([
        '→ vbsctl init               creates the state',
        '→ vbsctl plan --out p.json  saves the plan',
      ]);
      expect(next(only('restore'), saving)).to.deep.equal(['→ vbsctl apply p.json']);
    });

    it('is never apply while the plan itself is refused', () => {
      const refused = only('restore', {
        notices: [
          {
            severity: 'error',
            code: 'too-many-restores',
            summary: 'the plan has 3 restores, the limit is 2',
          },
        ],
      });
      expect(next(refused)).to.deep.equal(['→ vbsctl plan  after you fix the errors above']);
      expect(next(refused, { plan: 'vbsctl plan -f x.yaml' })).to.deep.equal([
        '→ vbsctl plan -f x.yaml  after you fix the errors above',
      ]);
    });

    it('follows what only runs, and applies what was begun and may not run', () => {
      const [resume] = only('resume').actions;
      if (resume?.kind !== 'resume') throw new Error('the fixture resumes one');
      expect(next(only('resume'))).to.deep.equal([
        '→ vbsctl wait  waits for running restores, and starts nothing',
      ]);
      const { started_at: _, ...record } = resume.record as typeof resume.record & { started_at?: string };
      const begun = { ...resume, record: { ...record, status: 'intended' } } as typeof resume;
      expect(next({ ...EMPTY_PLAN, actions: [begun] })).to.deep.equal(['→ vbsctl apply']);
    });

    it('says how to ask once more for what is done', () => {
      const [one] = DONE_PLAN.actions;
      if (one?.kind !== 'noop') throw new Error('the first one is done');
      const source = { file: 'restores.yaml', line: 5, column: 7 };
      const done = { ...one, next_generation: 3, source };
      expect(next({ ...EMPTY_PLAN, actions: [done] })[1]).to.equal(
        '→ to restore it again: raise generation to 3 at restores.yaml:5:7',
      );
      expect(next({ ...EMPTY_PLAN, actions: [done, one] })[1]).to.equal(
        `→ to restore one of them again: raise its generation (for ${one.address}: to 3`,
      );
    });

    it('is left to the prompt in the body', () => {
      expect(planBody(only('restore'), at(80))).not.to.contain('→ vbsctl');
    });
  });

  describe('an attached disk in a plan', () => {
    const attached = (n: number, server: string, timeout_ms?: number) => {
      const [restore] = only('restore').actions;
      if (restore?.kind !== 'restore') throw new Error('the fixture has a restore');
      const commands = [
        `openstack server stop ${server}-id`,
        `openstack server remove volume ${server}-id v${n}`,
      ];
      const waits_for = [{ what: `detach from ${server}`, commands, server }];
      return { ...restore, address: `s/r${n}`, waits_for, ...(timeout_ms ? { timeout_ms } : {}) };
    };
    const plan = { ...EMPTY_PLAN, actions: [attached(1, 'db1'), attached(2, 'web'), attached(3, 'db1')] };

    it('is detached by one block a server, each command once and bare', () => {
      expect(planBody(plan, at(80))).to.contain(
        [
          '',
          'To detach the disks from db1:',
          '  openstack server stop db1-id',
          '  openstack server remove volume db1-id v1',
          '  openstack server remove volume db1-id v3',
          '',
          'To detach the disks from web:',
          '  openstack server stop web-id',
          '  openstack server remove volume web-id v2',
          '',
          'Plan:',
        ].join('\n'),
      );
    });

    it('may be detached while apply waits, as long as it does', () => {
      const told = (options: object) => planBody(plan, { ...at(200), ...options });
      expect(told({})).to.contain('\n3 disks are still attached: detach them first.\n');
      expect(told({ waitTimeoutMs: 7_200_000 })).to.contain(
        'detach them first, or while apply waits (up to 2h).',
      );
      const one = { ...EMPTY_PLAN, actions: [attached(1, 'db1', 600_000)] };
      expect(planBody(one, { ...at(200), waitTimeoutMs: 7_200_000 })).to.contain(
        '1 disk is still attached: detach it first, or while apply waits (up to 10m).',
      );
    });
  });

  describe('changes', () => {
    const changed = (before: string, after: string, width = 80) => {
      const [restore] = only('restore').actions;
      if (restore?.kind !== 'restore') throw new Error('the fixture has a restore');
      const plan = {
        ...EMPTY_PLAN,
        actions: [{ ...restore, again: true, changes: [{ field: 'rule', before, after }], waits_for: [] }],
      };
      return planBody(plan, { style: makeStyle(false), width, now: NOW })
        .split('\n')
        .filter((line) => /changed:|^ {21}\S/.test(line))
        .map((line) => line.trim());
    };

    it('stand in one line while they fit', () => {
      expect(changed('1', '2')).to.deep.equal(['changed:   rule  1 → 2']);
    });

    it('stand under one another when they do not', () => {
      const long = 'newest at or before 2026-11-23T21:00:00Z, within 6h, of disk c96e4a94';
      expect(changed(long, long.replace('6h', '12h'))).to.deep.equal([
        `changed:   rule  - ${long}`,
        `+ ${long.replace('6h', '12h')}`,
      ]);
    });

    it('stay whole, and quick, when nearly everything differs', () => {
      const before = Array.from({ length: 20_000 }, (_, n) => `a${n}`).join(' ');
      const after = before.replaceAll('a', 'b');
      const started = process.cpuUsage();
      expect(changed(before, after)).to.deep.equal([`changed:   rule  - ${before}`, `+ ${after}`]);
      expect(process.cpuUsage(started).user / 1e6).to.be.below(60);
    });
  });

  it('prints a hundred thousand restores in linear time', () => {
    const [template] = only('restore').actions;
    if (template?.kind !== 'restore') throw new Error('the fixture has a restore');
    const actions = Array.from({ length: 100_000 }, (_, n) => ({ ...template, address: `set/disk-${n}` }));
    const notices = actions.map(({ address }) => ({
      severity: 'warning' as const,
      code: 'capacity-falls-back',
      summary: 'smaller',
      where: { address },
    }));
    const text = planText({ ...EMPTY_PLAN, actions, notices }, at(80));
    expect(text.match(/^\+ set\/disk-/gm)).to.have.lengthOf(100_000);
    expect(text).to.contain('Plan: 100,000 to restore.');
  });
});

describe('the JSON of a plan', () => {
  it('is the plan with totals, with null for missing values', () => {
    const json = planJson(PLAN);
    expect(json).to.include({ format: 1, has_changes: true, offline: false });
    expect(json.totals).to.deep.equal({ restore: 3, resume: 1, noop: 3, blocked: 1, expired: 1 });
    expect(json.actions).to.deep.equal(PLAN.actions);
    expect(planJson(withoutState(EMPTY_PLAN))).to.include({ state: null, has_changes: false });
  });
});
