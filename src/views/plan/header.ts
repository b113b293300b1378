import { grouped } from '../../domain/grouped.ts';
import type { Plan } from '../../domain/plan.ts';
import { remedyLines } from '../diagnostics.ts';
import { padEnd, sanitize, wrap } from '../terminal.ts';
import { listed } from '../words.ts';
import type { PlanTextOptions } from './parts.ts';

export function stateWarningLines({ state }: Plan, options: PlanTextOptions): string[] {
  if (state) return [];
  const { style, width } = options;
  return [
    ...wrap('There is no state yet, so vbsctl does not know of any earlier restore.', width).map((line) =>
      style.strong(style.warn(line)),
    ),
    ...remedyLines(
      'if restores were done before, find their state first; otherwise create it: vbsctl init',
      options,
    ),
    '',
  ];
}

export const MANIFESTS_LISTED_MAX = 3;

/** Project, state and manifests of the plan. */
export function headerLines(
  { target, state, manifests, offline }: Pick<Plan, 'target' | 'state' | 'manifests' | 'offline'>,
  { style, width, stateLocation }: PlanTextOptions,
): string[] {
  const at = stateLocation === undefined ? '' : ` at ${sanitize(stateLocation)}`;
  const field = (label: string, text: string, more?: string) => [
    `${style.faint(padEnd(`${label}:`, 9))}${text}`,
    ...(more === undefined ? [] : [`${' '.repeat(9)}${style.faint(more)}`]),
  ];
  const project = target && sanitize(target.project_name ?? target.project_id);
  return [
    ...(target
      ? field(
          'Project',
          `${project}, region ${sanitize(target.region)}`,
          sanitize(
            `${target.project_name === undefined ? '' : `${target.project_id} at `}${target.auth_url}`,
          ),
        )
      : field('Project', 'none yet')),
    ...field(
      'State',
      state
        ? `serial ${grouped(state.serial)}${at}${style.faint(`, lineage ${sanitize(state.lineage)}`)}`
        : style.warn(`none yet${at}`),
    ),
    ...(manifests.length === 0
      ? []
      : field(
          'From',
          listed(
            manifests.map(({ path }) => path),
            MANIFESTS_LISTED_MAX,
          ),
        )),
    ...(offline
      ? wrap('Planned offline: this shows what is declared. The cloud was not read.', width).map(style.warn)
      : []),
  ];
}
