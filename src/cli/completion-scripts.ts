import { EXIT, type ExitCode } from '../domain/errors.ts';
import type { Io } from './io.ts';

/**
 * The scripts call `vbsctl __complete WORD…`. The first line of its answer says whether file names fit. Then each line is a
 * candidate, a tab, and what it is.
 */

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

const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH };
export type Shell = keyof typeof SCRIPTS;

export function completion(io: Io, shell: Shell): ExitCode {
  io.stdout.write(SCRIPTS[shell]);
  return EXIT.done;
}
