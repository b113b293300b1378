import { expect } from 'chai';
import { runProgram } from './program-pool.ts';

describe('an error in JSON', () => {
  const asked: readonly (readonly [line: string, code: string])[] = [
    ['validate --output json', 'no-manifests'],
    ['validate -ojson', 'no-manifests'],
    ['validate -json', 'no-manifests'],
    ['validate -o=json', 'no-manifests'],
    ['plan -f /nowhere/x.yaml --output=json', 'missing-file'],
    ['plan --zebra --output json', 'usage'],
    ['get bananas -o json', 'usage'],
    ['apply -lock=false -json', 'usage'],
    ['apply plan.json --max-age soon -o json', 'usage'],
  ];
  for (const [line, code] of asked)
    it(`is printed if --output json is given: ${line}`, async () => {
      const { code: exit, stdout } = await runProgram(line.split(' '), '/', {});
      expect(exit).to.equal(1);
      const { format, diagnostics } = JSON.parse(stdout);
      expect(format).to.equal(1);
      expect(diagnostics).to.have.length(1);
      expect(diagnostics[0].code).to.equal(code);
      expect(diagnostics[0].remedy).to.be.a('string');
    });

  for (const line of ['apply --init-state -f nowhere.yaml', 'apply -lock=false', 'wait --timeout soon'])
    it(`is one line if the command prints JSON lines: ${line}`, async () => {
      const { stdout } = await runProgram([...line.split(' '), '-o', 'json'], '/', {});
      expect(stdout).to.match(/^[^\n]+\n$/);
      expect(JSON.parse(stdout)).to.include({ type: 'failure', format: 1 }).and.have.property('at');
    });

  for (const line of [
    'validate',
    'get bananas',
    'plan --reason json',
    'get backups --volume x -o yaml',
    'help constructor',
  ])
    it(`is text without --output json: ${line}`, async () => {
      const { code, stdout, stderr } = await runProgram(line.split(' '), '/', {});
      expect(code).to.equal(1);
      expect(stdout).to.equal('');
      expect(stderr).to.match(/^error: /);
    });
});
