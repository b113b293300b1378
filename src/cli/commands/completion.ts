import type { Shell } from '../completion-scripts.ts';
import { argument } from '../options/option.ts';
import type { CommandDefinition } from './definition.ts';

export const completion: CommandDefinition<object, [shell: Shell]> = {
  name: 'completion',
  summary: 'Print the completion script for a shell',
  arguments: [argument('<shell>', 'bash, zsh or fish').choices(['bash', 'zsh', 'fish'])],
  examples: [
    ['source <(vbsctl completion bash)', 'for this shell; add it to ~/.bashrc to keep it'],
    ['source <(vbsctl completion zsh)', 'likewise; in ~/.zshrc after compinit'],
    ['vbsctl completion fish > ~/.config/fish/completions/vbsctl.fish', 'for every fish shell'],
  ],
  exits: [],
  run: async (io, _, shell) => (await import('../completion-scripts.ts')).completion(io, shell),
};
