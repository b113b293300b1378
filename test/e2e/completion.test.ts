import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

/** The scripts in the shells they are for, with the built program behind them. */

const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'vbsctl.cjs');

/** Types a line and Tab into an interactive zsh and prints what that shows, the line as it is then in `<<…>>`. */
const ZSH = String.raw`
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1=; stty cols 200; autoload -Uz compinit; compinit -u -d \$PWD/dump; zstyle ':completion:*' list-separator '~'
source <(vbsctl completion zsh)
tab() { zle expand-or-complete; zle -R; print -rn -- \"<<\$BUFFER>>\" }; zle -N tab; bindkey '^I' tab
zle-line-init() { print -rn -- RE\"\"ADY }; zle -N zle-line-init"
zpty -r -m z out '*READY*'
zpty -w -n z "$1"$'\t'
zpty -r -m z out '*>>*'
print -r -- "$out"
`;

/** Presses Tab in a bash that reads its line from `COMP_LINE`, as readline hands it over. */
const BASH = String.raw`
source <(vbsctl completion bash)
COMP_LINE=$1 COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
read -ra COMP_WORDS <<< "$(sed 's/=/ = /g' <<< "$1")"
[[ $1 == *' ' || $1 == *= ]] && COMP_WORDS+=('')
COMP_CWORD=$((${'$'}{#COMP_WORDS[@]} - 1))
compopt() { echo "compopt $*"; }
_vbsctl
printf '%s\n' "${'$'}{COMPREPLY[@]}"
`;

describe('completion in a real shell', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'vbsctl-shells-'));
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin', 'vbsctl'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
    chmodSync(join(folder, 'bin', 'vbsctl'), 0o755);
    const restores = ['db-data', 'db-log', 'app'].map(
      (name, n) =>
        `    - {name: ${name}, volume_id: 00000000-0000-4000-8000-00000000000${n}, backup_id: 00000000-0000-4000-8000-000000000009}\n`,
    );
    writeFileSync(
      join(folder, 'restores.yaml'),
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec:\n  restores:\n${restores.join('')}`,
    );
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const options = () => ({
    cwd: folder,
    encoding: 'utf8' as const,
    timeout: 25_000,
    env: { HOME: folder, TERM: 'xterm', PATH: `${join(folder, 'bin')}:${process.env.PATH}` },
  });
  const shell = (name: string, test: string, body: () => void) => {
    const missing = spawnSync(name, ['-c', 'true']).error !== undefined;
    (missing ? it.skip : it)(`${test}${missing ? ` (skipped: there is no ${name} here)` : ''}`, body);
  };

  shell('bash', 'bash: commands, flags, values, addresses, files', () => {
    const tab = (line: string) =>
      execFileSync('bash', ['--norc', '-c', BASH, 'bash', line], options()).trim().split('\n');
    expect(tab('vbsctl st')).to.deep.equal(['status', 'state']);
    expect(tab('vbsctl get ')).to.deep.equal(['backups', 'volumes', 'servers']);
    expect(tab('vbsctl plan --targ')).to.deep.equal(['--target']);
    expect(tab('vbsctl plan --target pay/db')).to.deep.equal(['pay/db-data', 'pay/db-log']);
    expect(tab('vbsctl plan --target=pay/db-l')).to.deep.equal(['pay/db-log']);
    expect(tab('vbsctl plan --output=')).to.deep.equal(['text', 'json']);
    expect(tab('vbsctl plan -f ')).to.deep.equal(['compopt -o default']);
  });

  shell('fish', 'fish: commands, flags, values, addresses, files', () => {
    const tab = (line: string) =>
      execFileSync(
        'fish',
        ['--no-config', '-c', 'vbsctl completion fish | source; complete -C $argv[1]', line],
        options(),
      )
        .trim()
        .split('\n')
        .map((found) => found.split('\t')[0])
        .sort();
    expect(tab('vbsctl st')).to.deep.equal(['state', 'status']);
    expect(tab('vbsctl get ')).to.deep.equal(['backups', 'servers', 'volumes']);
    expect(tab('vbsctl plan --targ')).to.deep.equal(['--target']);
    expect(tab('vbsctl plan --target pay/db')).to.deep.equal(['pay/db-data', 'pay/db-log']);
    expect(tab('vbsctl plan --target=pay/db-l')).to.deep.equal(['--target=pay/db-log']);
    expect(tab('vbsctl plan -o ')).to.deep.equal(['json', 'text']);
    expect(tab('vbsctl plan -f rest')).to.deep.equal(['restores.yaml']);
  });

  shell('zsh', 'zsh: commands, flags, values, addresses, files', () => {
    const tab = (line: string) => execFileSync('zsh', ['-f', '-c', ZSH, 'zsh', line], options());
    const completed = (line: string) => /<<(.*)>>/.exec(tab(line))?.[1];
    expect(completed('vbsctl vers')).to.equal('vbsctl version ');
    expect(completed('vbsctl plan --targ')).to.equal('vbsctl plan --target ');
    expect(completed('vbsctl plan --target pay/db')).to.equal('vbsctl plan --target pay/db-');
    expect(completed('vbsctl plan --target=pay/db-l')).to.equal('vbsctl plan --target=pay/db-log ');
    expect(completed('vbsctl plan -o j')).to.equal('vbsctl plan -o json ');
    expect(completed('vbsctl plan -f rest')).to.equal('vbsctl plan -f restores.yaml ');
    const listed = tab('vbsctl get ');
    expect(listed).to.match(/backups +~ what could be gone back to/);
    expect(listed)
      .to.match(/volumes +~ /)
      .and.match(/servers +~ /);
  });
});
