import { expect } from 'chai';
import { readCommandLine } from '../../src/cli/command-line.ts';
import { program } from './program.ts';

describe('the command lines of other tools', () => {
  const words = (line: string) => {
    const { words: understood, problem } = readCommandLine(line.split(' '), program());
    if (problem) throw problem;
    return understood.join(' ');
  };
  function refusal(line: string): { summary: string; remedy: string } {
    const { problem } = readCommandLine(line.split(' '), program());
    if (!problem) throw new Error(`${line} was understood`);
    const [{ summary = '', remedy = '' } = {}] = problem.diagnostics;
    return { summary, remedy: String(remedy) };
  }

  const understood: [typed: string, meant: string][] = [
    ['apply -auto-approve', 'apply --auto-approve'],
    ['apply -auto-approve=true', 'apply --auto-approve'],
    ['apply --auto-approve=false', 'apply'],
    ['apply -target=a/b -parallelism=3', 'apply --target=a/b --parallelism=3'],
    ['apply -target a/b', 'apply --target a/b'],
    ['apply -lock-timeout=5m', 'apply --lock-timeout=5m'],
    ['plan -detailed-exitcode', 'plan --detailed-exitcode'],
    ['plan -json', 'plan --output=json'],
    ['state push -dry-run old.json', 'state push --dry-run old.json'],
    ['state list -state=x.json --json', 'state list --state=x.json --output=json'],
    ['plan -o=json', 'plan --output=json'],
    ['get volume -o name', 'get volume -o name'],
    ['-help', '--help'],
    ['plan -help', 'plan --help'],
    ['show -help', 'show --help'],
  ];
  for (const [typed, meant] of understood)
    it(`are rewritten: ${typed}`, () => expect(words(typed)).to.equal(meant));

  for (const same of [
    'plan -f restores.yaml -f -',
    'plan -frestores.yaml',
    'resolve a/b --as succeeded --reason -auto-approve',
    'apply --no-such-flag',
    'apply -x',
    'plan -y',
    'plan --constructor',
    'apply -- -auto-approve',
    'state show show',
    'nonsense -auto-approve',
  ])
    it(`are unchanged: ${same}`, () => expect(words(same)).to.equal(same));

  const refused: [typed: string, summary: RegExp, remedy: RegExp][] = [
    ['apply -out=plan.json', /--out/, /--output json/],
    ['plan --output plan.json', /--output takes a format \(text\|json\), not a file/, /plan\.json/],
    ['plan --output=./x', /--output takes a form/, /\.\/x/],
    ['apply -lock=false', /lock cannot be disabled/, /--lock-timeout/],
    ['apply -input=false', /--input/, /--auto-approve/],
    ['plan -refresh=false', /--refresh/, /--offline/],
    ['plan -var x=y', /no variables/, /./],
    ['apply -destroy', /cannot be undone/, /generate/],
    ['apply -replace=a/b', /--replace/, /generation/],
    ['apply -y', /no --yes/, /--auto-approve/],
    ['apply --yes', /no --yes/, /--auto-approve/],
    ['destroy', /unknown command 'destroy'/, /cannot be undone/],
    ['describe a/b', /unknown command 'describe'/, /state show/],
    ['apply --dry-run', /--dry-run/, /vbsctl plan/],
    ['plan -generate-config-out=x', /generate-config-out/, /vbsctl generate/],
    ['workspace list', /unknown command 'workspace'/, /--cloud/],
    ['untaint a/b', /unknown command 'untaint'/, /generation/],
    ['rollback', /unknown command 'rollback'/, /cannot be undone/],
    ['diff', /unknown command 'diff'/, /vbsctl plan/],
    ['get backup pay-db-data', /takes no argument/, /--volume pay-db-data/],
    ['get disks pay-db-data', /takes no argument/, /--name pay-db-data/],
    ['import a/b 4711', /one address/, /--job-id 4711/],
    ['plan plan.json', /no argument/, /vbsctl show plan\.json/],
    ['show', /requires a saved plan/, /state list/],
    ['show --output json', /requires a saved plan/, /state list/],
    ['force-unlock 1', /unknown command 'force-unlock'/, /vbsctl unlock/],
    ['state push -force old.json', /no --force/, /names the option/],
  ];
  for (const [typed, summary, remedy] of refused)
    it(`are refused with what to use instead: ${typed}`, () => {
      const said = refusal(typed);
      expect(said.summary).to.match(summary);
      expect(said.remedy).to.match(remedy);
    });

  it('explains a file in place of a format only for the option --output', () => {
    expect(words('resolve a/b --as x.json')).to.equal('resolve a/b --as x.json');
  });
});
