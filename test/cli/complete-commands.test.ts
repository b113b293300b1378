import { expect } from 'chai';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { completeCommands } from '../../src/cli/complete-commands.ts';

describe('the commands that vbsctl prints', () => {
  const typed = { filename: ['a b.yaml'], state: 's/x.json', config: 'c.yaml', cloud: 'otc' };
  const all = '--config c.yaml --state s/x.json --cloud otc';
  for (const [printed, completed] of [
    ['vbsctl apply', `vbsctl apply -f 'a b.yaml' ${all}`],
    ['to start it: vbsctl apply', `to start it: vbsctl apply -f 'a b.yaml' ${all}`],
    ['vbsctl apply --target a/b', `vbsctl apply -f 'a b.yaml' ${all} --target a/b`],
    ['vbsctl apply plan.json', `vbsctl apply ${all} plan.json`],
    ["vbsctl apply 'p q.json'", `vbsctl apply ${all} 'p q.json'`],
    [
      'vbsctl apply (if it is no longer declared: vbsctl state list)',
      `vbsctl apply -f 'a b.yaml' ${all} (if it is no longer declared: vbsctl state list --config c.yaml --state s/x.json)`,
    ],
    ['vbsctl state show a/b', 'vbsctl state show --config c.yaml --state s/x.json a/b'],
    [
      'vbsctl state push FILE --state other.json',
      'vbsctl state push --config c.yaml FILE --state other.json',
    ],
    [
      'create one: vbsctl init; or name another with --state',
      `create one: vbsctl init ${all}; or name another with --state`,
    ],
    ['vbsctl unlock ID', 'vbsctl unlock --config c.yaml --state s/x.json ID'],
    ['vbsctl get backups --volume v', 'vbsctl get backups --config c.yaml --cloud otc --volume v'],
    ['vbsctl plan -f FILE', `vbsctl plan ${all} -f FILE`],
    ['vbsctl help recovery', 'vbsctl help recovery'],
    ['vbsctl does not know it', 'vbsctl does not know it'],
    [
      "vbsctl wait 'x vbsctl apply'; then: vbsctl plan",
      `vbsctl wait ${all} 'x vbsctl apply'; then: vbsctl plan -f 'a b.yaml' ${all}`,
    ],
    ['\u201cvbsctl apply\u201d', '\u201cvbsctl apply\u201d'],
  ] as const)
    it(`have the options of the present command that they accept: ${printed}`, () => {
      expect(completeCommands(printed, { flags: typed, commands: COMMANDS })).to.equal(completed);
      expect(completeCommands(printed, { flags: {}, commands: COMMANDS })).to.equal(printed);
    });

  // The flags of `apply p.json` have the manifests that the plan was made of.
  for (const [printed, completed] of [
    ['to resume it: vbsctl apply', `to resume it: vbsctl apply 'p q.json' ${all}`],
    ['vbsctl apply --skip-blocked', `vbsctl apply 'p q.json' ${all} --skip-blocked`],
    [
      'vbsctl apply (or: vbsctl status)',
      `vbsctl apply 'p q.json' ${all} (or: vbsctl status -f 'a b.yaml' --config c.yaml --state s/x.json)`,
    ],
    ['vbsctl apply --target a/b', `vbsctl apply -f 'a b.yaml' ${all} --target a/b`],
    ['vbsctl apply other.json', `vbsctl apply ${all} other.json`],
    [
      'raise generation to 2, then: vbsctl plan',
      `raise generation to 2, then: vbsctl plan -f 'a b.yaml' ${all}`,
    ],
  ] as const)
    it(`name the saved plan where the present command applies one: ${printed}`, () => {
      const present = { flags: typed, plan: 'p q.json', commands: COMMANDS };
      expect(completeCommands(printed, present)).to.equal(completed);
    });
});
