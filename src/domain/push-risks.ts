import { abbreviate } from './abbreviate.ts';
import { projectText, sameProject } from './cloud-project.ts';
import { type Diagnostic, error, MultilineText } from './diagnostic.ts';
import { Failure } from './errors.ts';
import { forgottenBy } from './forgotten-restores.ts';
import { liftedBy } from './protections.ts';
import { type Commit, type HistoryEntry, type PushRisk, type State, serialAbove } from './state.ts';

/** The help text of each flag `--allow-…`. */
export const PUSH_RISKS: Readonly<Record<PushRisk, string>> = {
  'other-lineage': 'replace the state with one of another lineage or project',
  'older-serial': 'replace the state with one that is not newer',
  'forgotten-restores': 'replace the state with one that lacks some of its records or protections',
};

interface Terms {
  /** How messages name the new state. */
  readonly given: string;
  readonly location: string;
  /** Whether an equal serial is a risk, like a lower one. */
  readonly sameSerial: 'refused' | 'fine';
}

/**
 * The risks of replacing `current` by `given`. Throws a `Failure` (`refused`) with all risks that are not allowed.
 */
export function judgePush(
  current: State,
  given: State,
  allowed: readonly PushRisk[],
  terms: Terms,
): readonly PushRisk[] {
  const risks = risksOf(current, given, terms);
  const problems = risks.filter(({ risk }) => !allowed.includes(risk)).map(({ diagnostic }) => diagnostic);
  if (problems.length > 0) throw new Failure('refused', problems);
  return [...new Set(risks.map(({ risk }) => risk))];
}

function risksOf(
  current: State,
  given: State,
  { given: name, location, sameSerial }: Terms,
): { readonly risk: PushRisk; readonly diagnostic: Diagnostic }[] {
  const risks: { risk: PushRisk; diagnostic: Diagnostic }[] = [];
  const risk = (which: PushRisk, summary: string, detail: string | MultilineText, remedy: string) =>
    risks.push({
      risk: which,
      diagnostic: error(`push-${which}`, summary, { detail, remedy: `${remedy}: --allow-${which}` }),
    });
  if (given.lineage !== current.lineage || !sameProject(given.target, current.target))
    risk(
      'other-lineage',
      `${name} is a different state from the one at ${location}`,
      new MultilineText(
        `There: lineage ${current.lineage}, ${projectText(current.target)}`,
        `In ${name}: lineage ${given.lineage}, ${projectText(given.target)}`,
      ),
      'correct the file or --state; to give up the state that is there',
    );
  else if (sameSerial === 'fine' ? given.serial < current.serial : given.serial <= current.serial)
    risk(
      'older-serial',
      `${name} is not newer than the state at ${location}: serial ${given.serial} is not higher than ${current.serial}`,
      'It lacks what was done since then.',
      'start from the current state (vbsctl state pull); if the current state is wrong',
    );
  const forgotten = forgottenBy(given, current);
  if (forgotten.length > 0)
    risk(
      'forgotten-restores',
      `${name} lacks records of ${forgotten.length === 1 ? '1 restore' : `${forgotten.length} restores`} that are in the state at ${location}`,
      `They could be started again: ${abbreviate(forgotten, 10, ({ address }) => address)}`,
      'use a newer copy; to lose these records',
    );
  const lifted = liftedBy(given, current);
  if (lifted.length > 0)
    risk(
      'forgotten-restores',
      `${name} lacks protections of disks (protect: true) that are in the state at ${location}`,
      `The disks could be restored again; protected by: ${abbreviate(lifted, 10, ({ address }) => address)}`,
      'use a newer copy, or declare protect: false; to lose these protections',
    );
  return risks;
}

/**
 * The state after the push. Its serial is higher than both and than `known`, the highest that was seen, so that no
 * serial stands for two states. The history says who pushed, over which state, and which risks were accepted.
 */
export function pushedState(
  current: State | undefined,
  given: State,
  taken: readonly PushRisk[],
  { at, actor }: Pick<Commit, 'at' | 'actor'>,
  known?: number,
): State {
  const serial = serialAbove(Math.max(current?.serial ?? 0, given.serial), known);
  const entry: HistoryEntry = {
    type: 'pushed',
    serial,
    at,
    actor,
    ...(current ? { over: { lineage: current.lineage, serial: current.serial } } : {}),
    ...(taken.length > 0 ? { allowed: taken } : {}),
  };
  return { ...given, serial, history: [...given.history, entry] };
}
