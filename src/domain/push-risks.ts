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

interface FoundRisk {
  readonly risk: PushRisk;
  readonly diagnostic: Diagnostic;
}

/** The risks that are taken. Throws a `Failure` (`refused`) with all risks that are not allowed. */
export function takeRisks(found: readonly FoundRisk[], allowed: readonly PushRisk[]): readonly PushRisk[] {
  const problems = found.filter(({ risk }) => !allowed.includes(risk)).map(({ diagnostic }) => diagnostic);
  if (problems.length > 0) throw new Failure('refused', problems);
  return [...new Set(found.map(({ risk }) => risk))];
}

/** `remedy`: without the option that accepts the risk. */
export function foundRisk(
  risk: PushRisk,
  summary: string,
  detail: string | MultilineText,
  remedy: string,
): FoundRisk {
  return {
    risk,
    diagnostic: error(`push-${risk}`, summary, { detail, remedy: `${remedy}: --allow-${risk}` }),
  };
}

/** The risks of replacing `current` by `given`. */
export function risksOf(
  current: State,
  given: State,
  { given: name, location, sameSerial }: Terms,
): readonly FoundRisk[] {
  const risks: FoundRisk[] = [];
  const risk = (...found: Parameters<typeof foundRisk>) => risks.push(foundRisk(...found));
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
 * The state after the push. Its serial is higher than those of `given` and of the states that it replaces, so that no serial
 * stands for two states. The history says who pushed, over which state, and which risks were accepted.
 */
export function pushedState(
  given: State,
  { current, known }: Replaced,
  taken: readonly PushRisk[],
  { at, actor }: Pick<Commit, 'at' | 'actor'>,
): State {
  const serial = serialAbove(Math.max(current?.serial ?? 0, given.serial), known?.serial);
  const isOlder = known !== undefined && known.serial > given.serial;
  const over = isOlder && known.serial > (current?.serial ?? 0) ? known : current;
  const entry: HistoryEntry = {
    type: 'pushed',
    serial,
    at,
    actor,
    ...(over ? { over: { lineage: over.lineage, serial: over.serial } } : {}),
    ...(taken.length > 0 ? { allowed: taken } : {}),
  };
  return { ...given, serial, history: [...given.history, entry] };
}

type Version = Pick<State, 'lineage' | 'serial'>;

interface Replaced {
  /** The state that is there. */
  readonly current?: Version | undefined;
  /** The newest of its lineage that was seen. */
  readonly known?: Version | undefined;
}
