import { shellWord } from '../domain/escape/shell-word.ts';
import { shownLocation } from '../domain/shown-location.ts';
import type { ManifestFlags } from './options/shared.ts';

/** The next command for the user: another verb with the same options. */
export function nextCommand(
  verb: 'init' | 'wait' | 'plan' | 'apply' | `apply ${string}`,
  flags: ManifestFlags & { readonly target?: readonly string[] },
): string {
  const manifests =
    verb === 'init' || verb === 'wait'
      ? []
      : [
          ...(flags.filename ?? []).map((path) => `-f ${shellWord(path)}`),
          ...(flags.target ?? []).map((address) => `--target ${shellWord(address)}`),
        ];
  return [
    `vbsctl ${verb}`,
    ...manifests,
    ...(flags.config === undefined ? [] : [`--config ${shellWord(flags.config)}`]),
    ...(flags.state === undefined ? [] : [`--state ${shellWord(shownLocation(flags.state))}`]),
    ...(flags.cloud === undefined ? [] : [`--cloud ${shellWord(flags.cloud)}`]),
  ].join(' ');
}
