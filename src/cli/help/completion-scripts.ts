import { EXIT, type ExitCode, unreachable } from '../../domain/errors.ts';
import type { Io } from '../io.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** Prints the script; all it knows is how to ask the program itself. */
export function completion(io: Io, shell: Shell): ExitCode {
  io.stdout.write(scriptOf(shell));
  return EXIT.done;
}

/** The first line of an answer says whether file names fit; then a candidate a line, a tab, what it is. */
function scriptOf(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return BASH;
    case 'zsh':
      return ZSH;
    case 'fish':
      return FISH;
    default:
      return unreachable(shell);
  }
}

const BASH = `# vbsctl completion for bash: source <(vbsctl completion bash)
_vbsctl() {
  local line first=1
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$first" = 1 ]; then
      first=0
      if [ "$line" = ":files" ]; then compopt -o default; return; fi
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  case "\${COMPREPLY[0]-}" in *=) compopt -o nospace ;; esac
}
complete -F _vbsctl vbsctl
`;

const ZSH = `#compdef vbsctl
# vbsctl completion for zsh: source <(vbsctl completion zsh), after compinit
_vbsctl() {
  local -a lines candidates
  local line
  lines=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${lines[1]}" == ":files" ]]; then
    _files
    return
  fi
  for line in "\${(@)lines[2,-1]}"; do
    [[ -n "$line" ]] && candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe vbsctl candidates
}
compdef _vbsctl vbsctl
`;

const FISH = `# vbsctl completion for fish: vbsctl completion fish > ~/.config/fish/completions/vbsctl.fish
function __vbsctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    if test "$lines[1]" = ":files"
        __fish_complete_path "$current"
    else
        printf '%s\\n' $lines[2..-1]
    end
end
complete -c vbsctl -f -a '(__vbsctl_complete)'
`;
