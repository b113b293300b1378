import { canonicalJson } from '../domain/canonical-json.ts';
import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import type { Action, RestoreAction, ResumeAction } from '../domain/plan.ts';
import { type Hash, minorOf, planDigest, type SavedPlan } from '../domain/saved-plan.ts';
import type { RestoreSpec } from '../domain/spec.ts';
import { savedPlan } from './plan-shape.ts';
import { describeMisfit, isObject, type Misfit, pathText } from './shape.ts';

/**
 * The saved plan in a file. Throws a Failure (`refused`) when it was edited, is damaged, or was made by a release
 * that this one does not read. `file` is for messages only; `version` is of this vbsctl.
 */
export function decodePlan(text: string, file: string, version: string, hash: Hash): SavedPlan {
  if (/\.ya?ml$/i.test(file)) throw manifest(file);
  const value = parse(text, file);
  if (isObject(value) && value.kind === 'RestoreSet') throw manifest(file);
  if (!isObject(value) || value.kind !== 'SavedPlan')
    throw refused(
      'not-a-plan',
      `${file} is not a saved plan`,
      'name a file that was made by: vbsctl plan --out',
    );
  const made = isObject(value.plan) ? value.plan.tool_version : undefined;
  if (typeof made === 'string' && minorOf(made) !== minorOf(version))
    throw refused(
      'plan-other-release',
      `${file} was made by vbsctl ${made}, and this is ${version}: only patch releases of one minor release read each other’s plans`,
      `apply it with vbsctl ${minorOf(made)}, or plan again with this one`,
    );
  if (planDigest(value, hash) !== value.digest)
    throw refused('plan-edited', `${file} was edited since it was made: its digest does not fit`, AGAIN);
  const plan = value as unknown as SavedPlan;
  const wrong = savedPlan(value) ?? contradiction(plan);
  if (wrong)
    throw refused(
      'plan-damaged',
      `${file} is not a sound plan: ${pathText(wrong.path)}: ${describeMisfit(wrong)}`,
      AGAIN,
    );
  return plan;
}

/** `apply restores.yaml`, as fingers have it from other tools. */
function manifest(file: string): Failure {
  return refused(
    'not-a-plan',
    `${file} is a manifest, not a saved plan`,
    `name it with -f: vbsctl plan -f ${shellWord(file)}; a plan is saved by: vbsctl plan --out plan.json`,
  );
}

const AGAIN = 'plan again and have that approved: vbsctl plan --out plan.json';

/** What has the right shape and cannot be: the executor must not have to wonder. */
function contradiction({ plan, declared }: SavedPlan): Misfit | undefined {
  const seen = new Set<string>();
  for (const [index, { address }] of plan.actions.entries()) {
    if (seen.has(address))
      return { path: ['plan', 'actions', index, 'address'], expected: 'each address once', found: address };
    seen.add(address);
  }
  const runnable = plan.actions.filter(isRunnable);
  for (const [index, action] of runnable.entries()) {
    const wrong = otherThanShown(action, declared[index]);
    if (wrong) return { path: ['declared', index, wrong.what], ...wrong };
  }
  if (declared.length !== runnable.length)
    return { path: ['declared'], expected: `${runnable.length} entries`, found: declared.length };
  return undefined;
}

/** Guards judge the declaration and people what is shown of the action: both must say the same. */
function otherThanShown(action: RestoreAction | ResumeAction, spec: RestoreSpec | undefined) {
  const { volume, backup, selector } = action;
  const named = `${spec?.set}/${spec?.name}`;
  const pairs: readonly (readonly [what: string, shown: unknown, declared: unknown])[] = [
    ['address', action.address, spec?.address],
    ['name', action.address, named],
    ['generation', action.generation, spec?.generation],
    ['expect', action.expect, spec?.expect],
    ['depends_on', action.depends_on, spec?.depends_on],
    ['timeout_ms', action.timeout_ms, spec?.timeout_ms],
    ['valid_until', action.valid_until, spec?.valid_until],
    ...(backup.selector ? [['rule', backup.selector, selector] as const] : []),
    ...(spec?.volume.by === 'id' ? [['volume', volume.id, spec.volume.id] as const] : []),
    ...(spec?.volume.by === 'name' && action.kind === 'restore'
      ? [['volume', volume.name, spec.volume.name] as const]
      : []),
    ...(spec?.backup.by === 'id' ? [['backup', backup.id, spec.backup.id] as const] : []),
    ...(spec?.backup.by === 'selector' ? [['backup', selector, spec.backup.selector] as const] : []),
  ];
  const differing = pairs.find(([, shown, told]) => canonicalJson([shown]) !== canonicalJson([told]));
  if (!differing) return undefined;
  const [what, shown, found] = differing;
  return { what, expected: `what the plan shows, ${JSON.stringify(shown)}`, found };
}

function isRunnable(action: Action): action is RestoreAction | ResumeAction {
  return action.kind === 'restore' || action.kind === 'resume';
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused(
      'plan-damaged',
      `${file} is not valid JSON, so it is no saved plan, or not a whole one`,
      AGAIN,
      cause,
    );
  }
}

function refused(code: string, summary: string, remedy: string, cause?: unknown): Failure {
  return new Failure('refused', error(code, summary, { remedy }), { cause });
}
