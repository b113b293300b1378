/** Validates a fault plan from a file or a request. */

import { Checker, type Fields, isFields } from './check.ts';
import {
  BODY_SHAPES,
  FAULT_KINDS,
  type FaultKind,
  type FaultPlan,
  GARBAGE,
  isApplicable,
  ROUTE_KINDS,
  type RouteKind,
} from './faults.ts';
import { unreachable } from './unreachable.ts';

/** A day, which is longer than any test waits. */
const FAULT_MS_MAX = 86_400_000;
/** More than the gigabyte that a client must survive. */
const HUGE_BYTES_MAX = 8 * 1024 ** 3;
const COUNT_MAX = 1_000_000;

/**
 * Checks a plan and returns it as typed data.
 *
 * @throws InvalidData that names every problem and its path
 */
export function parseFaultPlan(value: unknown): FaultPlan {
  const check = new Checker();
  // Nothing is said of the keys of a file that may be another's.
  if (isFields(value) && Object.keys(value).length > 0 && !('rules' in value) && !('seeded' in value))
    check.fail('plan', 'has neither rules nor seeded');
  else checkPlan(check, value);
  check.finish('fault plan');
  return value as FaultPlan;
}

function checkPlan(check: Checker, value: unknown): void {
  const plan = check.fields(value, 'plan', ['rules', 'seeded']);
  for (const [index, rule] of check.list(plan.rules, 'rules').entries())
    checkRule(check, rule, `rules[${index}]`);
  if (plan.seeded !== undefined) checkSeeded(check, plan.seeded);
}

function checkRule(check: Checker, value: unknown, path: string): void {
  const rule = check.fields(value, path, ['name', 'match', 'after', 'times', 'effect']);
  if (rule.name !== undefined) check.text(rule.name, `${path}.name`);
  if (rule.after !== undefined) check.integer(rule.after, `${path}.after`, 0, COUNT_MAX);
  if (rule.times !== undefined && rule.times !== 'always')
    check.integer(rule.times, `${path}.times`, 1, COUNT_MAX);

  const match = check.fields(rule.match, `${path}.match`, ['route', 'method', 'volume_id', 'backup_id']);
  for (const key of ['method', 'volume_id', 'backup_id']) {
    if (match[key] !== undefined) check.text(match[key], `${path}.match.${key}`);
  }
  const routes = match.route === undefined ? [] : [match.route].flat();
  for (const route of routes) check.oneOf(route, `${path}.match.route`, ROUTE_KINDS);

  const kind = checkEffect(check, rule.effect, `${path}.effect`);
  if (kind === null) return;
  const candidates =
    routes.length === 0 ? ROUTE_KINDS : ROUTE_KINDS.filter((route) => routes.includes(route));
  if (candidates.length > 0 && !candidates.some((route) => isApplicable(kind, route))) {
    const fitting = ROUTE_KINDS.filter((route) => isApplicable(kind, route));
    check.fail(
      `${path}.match.route`,
      `does not include a route that ${kind} applies to: ${fitting.join(', ')}`,
    );
  }
}

const ANSWER_KEYS = ['status', 'body', 'code', 'message', 'retry_after', 'retry_after_form', 'location'];

function checkEffect(check: Checker, value: unknown, path: string): FaultKind | null {
  const given = typeof value === 'object' && value !== null ? (value as Fields).kind : undefined;
  const kind = FAULT_KINDS.find((known) => known === given);
  if (kind === undefined) {
    check.fail(`${path}.kind`, `must be one of ${FAULT_KINDS.join(', ')}`);
    return null;
  }
  const fields = (...known: string[]) => check.fields(value, path, ['kind', ...known]);
  const when = (effect: Fields) => check.oneOf(effect.when, `${path}.when`, ['before', 'after']);
  switch (kind) {
    case 'status': {
      const effect = fields('when', ...ANSWER_KEYS);
      when(effect);
      checkAnswer(check, effect, path);
      break;
    }
    case 'reset':
      when(fields('when'));
      break;
    case 'hang': {
      const effect = fields('when', 'for_ms');
      when(effect);
      check.number(effect.for_ms, `${path}.for_ms`, 0, FAULT_MS_MAX);
      break;
    }
    case 'garbage':
      check.oneOf(fields('body').body, `${path}.body`, GARBAGE);
      break;
    case 'slow':
      check.number(fields('delay_ms').delay_ms, `${path}.delay_ms`, 0, FAULT_MS_MAX);
      break;
    case 'late_start': {
      const effect = fields('after_ms', 'answer');
      check.number(effect.after_ms, `${path}.after_ms`, 0, FAULT_MS_MAX);
      if (effect.answer !== undefined)
        checkAnswer(check, check.fields(effect.answer, `${path}.answer`, ANSWER_KEYS), `${path}.answer`);
      break;
    }
    case 'late_copy':
      check.number(fields('after_ms').after_ms, `${path}.after_ms`, 0, FAULT_MS_MAX);
      break;
    case 'huge':
      check.integer(fields('bytes').bytes, `${path}.bytes`, 1, HUGE_BYTES_MAX);
      break;
    case 'job_vanishes': {
      const after_ms = fields('after_ms').after_ms;
      if (after_ms !== undefined) check.number(after_ms, `${path}.after_ms`, 0, FAULT_MS_MAX);
      break;
    }
    case 'job_unknown_status':
    case 'job_entities_mismatch': {
      const status = fields('status').status;
      if (status !== undefined) check.text(status, `${path}.status`);
      break;
    }
    case 'restore_fails': {
      const effect = fields('code', 'reason', 'touched', 'in_sub_job');
      for (const key of ['code', 'reason'])
        if (effect[key] !== undefined) check.text(effect[key], `${path}.${key}`);
      for (const key of ['touched', 'in_sub_job'])
        if (effect[key] !== undefined) check.flag(effect[key], `${path}.${key}`);
      break;
    }
    case 'cut':
    case 'duplicate':
    case 'token_expiry':
    case 'job_endless':
      fields();
      break;
    default:
      unreachable(kind);
  }
  return kind;
}

function checkAnswer(check: Checker, answer: Fields, path: string): void {
  check.integer(answer.status, `${path}.status`, 200, 599);
  if (answer.body !== undefined) check.oneOf(answer.body, `${path}.body`, BODY_SHAPES);
  if (answer.retry_after !== undefined)
    check.integer(answer.retry_after, `${path}.retry_after`, 0, FAULT_MS_MAX);
  if (answer.retry_after_form !== undefined)
    check.oneOf(answer.retry_after_form, `${path}.retry_after_form`, ['seconds', 'http_date']);
  for (const key of ['code', 'message', 'location']) {
    if (answer[key] === undefined) continue;
    check.text(answer[key], `${path}.${key}`);
  }
  // Node refuses a header with control characters. This check reports it now instead of when the fault occurs.
  if (/[^\t\x20-\x7e]/.test(String(answer.location ?? '')))
    check.fail(`${path}.location`, 'must be printable ASCII');
}

function checkSeeded(check: Checker, value: unknown): void {
  const seeded = check.fields(value, 'seeded', ['seed', 'rates', 'routes', 'per_resource_max']);
  if (typeof seeded.seed !== 'number') check.text(seeded.seed, 'seeded.seed');
  const rates = check.fields(seeded.rates, 'seeded.rates', FAULT_KINDS);
  let sum = 0;
  for (const [kind, rate] of Object.entries(rates)) {
    check.number(rate, `seeded.rates.${kind}`, 0, 1);
    sum += typeof rate === 'number' ? rate : 0;
  }
  // Sums of decimal fractions can differ slightly from 1.
  if (sum > 1 + 1e-9) check.fail('seeded.rates', `must add up to at most 1, and add up to ${sum}`);
  for (const route of check.list(seeded.routes, 'seeded.routes'))
    check.oneOf(route as RouteKind, 'seeded.routes', ROUTE_KINDS);
  if (seeded.per_resource_max !== undefined)
    check.integer(seeded.per_resource_max, 'seeded.per_resource_max', 0, COUNT_MAX);
}
