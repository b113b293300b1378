import { Argument } from 'commander';
import type { Shell } from '../help/completion-scripts.ts';
import type { CommandDefinition } from './definition.ts';

export const completion: CommandDefinition<object, [shell: Shell]> = {
  name: 'completion',
  summary: 'Print the completion script for a shell',
  arguments: [new Argument('<shell>', 'bash, zsh or fish').choices(['bash', 'zsh', 'fish'])],
  examples: [
    ['source <(vbsctl completion bash)', 'for this shell; add it to ~/.bashrc to keep it'],
    ['source <(vbsctl completion zsh)', 'likewise; in ~/.zshrc after compinit'],
    ['vbsctl completion fish > ~/.config/fish/completions/vbsctl.fish', 'for every fish shell'],
  ],
  run: async (io, _, shell) => (await import('../help/completion-scripts.ts')).completion(io, shell),
};
