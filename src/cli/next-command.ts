import type { ManifestFlags } from './flags.ts';

/** What the user types next: another verb, the same flags. */
export function nextCommand(
  verb: 'init' | 'wait' | 'plan' | 'apply' | `apply ${string}`,
  flags: ManifestFlags & { readonly target?: readonly string[] },
): string {
  const manifests =
    verb === 'init' || verb === 'wait'
      ? []
      : [
          ...(flags.filename ?? []).map((path) => `-f ${path}`),
          ...(flags.target ?? []).map((address) => `--target ${address}`),
        ];
  return [
    `vbsctl ${verb}`,
    ...manifests,
    ...(flags.config === undefined ? [] : [`--config ${flags.config}`]),
    ...(flags.state === undefined ? [] : [`--state ${flags.state}`]),
    ...(flags.cloud === undefined ? [] : [`--cloud ${flags.cloud}`]),
  ].join(' ');
}
