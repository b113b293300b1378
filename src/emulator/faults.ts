/**
 * Faults, by script and by seed: the types, and the pure decision whether a fault hits a request.
 *
 * A script is an ordered list of rules. Each rule applies to the n-th to m-th request that it matches. A seed draws faults at
 * given rates from (seed, start of the world, route, resource, number of earlier requests), never from the order of
 * arrival, so that a parallel run gets the same faults again. `cloud.ts` carries the faults out.
 */

import { chance, pick } from './ids.ts';

/** What a request is for. `action` is any other change: attach, detach, create or delete a backup. */
export const ROUTE_KINDS = [
  'token',
  'restore',
  'job',
  'volume',
  'volumes',
  'backup',
  'backups',
  'messages',
  'servers',
  'action',
  'discovery',
  'unknown',
] as const;
export type RouteKind = (typeof ROUTE_KINDS)[number];

/** `before` the effect: the cloud does not act. `after`: the cloud has acted, and only its answer is changed. */
export type When = 'before' | 'after';

export const BODY_SHAPES = ['service', 'gateway', 'html', 'empty', 'keystone'] as const;
/** Whose answer it resembles: that of the service, the API gateway, a web server (`html`, `empty`) or Keystone. */
export type BodyShape = (typeof BODY_SHAPES)[number];

/** An answer with some HTTP status instead of the true one. */
export interface FaultAnswer {
  status: number;
  /** Default `service`. */
  body?: BodyShape;
  /** Error code in the body. Default: one that matches the shape. */
  code?: string;
  message?: string;
  /** Seconds. */
  retry_after?: number;
  /** How `Retry-After` is written; default `seconds`. */
  retry_after_form?: 'seconds' | 'http_date';
  /** For a 3xx. Default: a path of this server, which is counted as route `unknown` if the client follows it. */
  location?: string;
}

export const GARBAGE = ['unreadable', 'no_job_id', 'error_body', 'empty'] as const;

/** Faults of a job: they stay with the restore that they hit, or change one answer about the job. */
export type JobFault =
  /** 404 common.0011, `after_ms` after the job was accepted; default at once. */
  | { kind: 'job_vanishes'; after_ms?: number }
  /**
   * The job stays RUNNING. On a restore, the volume also stays `restoring-backup`; on a read, only the answer is wrong.
   */
  | { kind: 'job_endless' }
  /** A status that is not documented; default `SUSPENDED`. */
  | { kind: 'job_unknown_status'; status?: string }
  /** Entities that name another volume. `status`: that of the other job. */
  | { kind: 'job_entities_mismatch'; status?: string }
  /** The job is FAIL, and the volume is in `error_restoring`. `touched: false`: it fails before it writes to the volume. */
  | { kind: 'restore_fails'; code?: string; reason?: string; touched?: boolean; in_sub_job?: boolean };

export type FaultEffect =
  | ({ kind: 'status'; when: When } & FaultAnswer)
  /** The connection is reset. */
  | { kind: 'reset'; when: When }
  /** No answer; the connection is dropped after `for_ms`. */
  | { kind: 'hang'; when: When; for_ms: number }
  /** The head announces the whole body, but the connection drops after half of it. After the effect. */
  | { kind: 'cut' }
  /** The true status (usually 200) with a body that does not match it. After the effect. */
  | { kind: 'garbage'; body: (typeof GARBAGE)[number] }
  /** The true answer, `delay_ms` late. */
  | { kind: 'slow'; delay_ms: number }
  /** An error at once (default 504 of the gateway), while the request reaches the service `after_ms` later. */
  | { kind: 'late_start'; after_ms: number; answer?: FaultAnswer }
  /** The request is delivered twice; the client gets the answer to the second one only. */
  | { kind: 'duplicate' }
  /**
   * The true answer; a second copy of the request reaches the service `after_ms` later, whatever the first answer was.
   */
  | { kind: 'late_copy'; after_ms: number }
  /** The token of the request expires right before it is checked. */
  | { kind: 'token_expiry' }
  /** The effect, then an answer of this size. */
  | { kind: 'huge'; bytes: number }
  | JobFault;

export type FaultKind = FaultEffect['kind'];

interface FaultMatch {
  route?: RouteKind | RouteKind[];
  method?: string;
  volume_id?: string;
  backup_id?: string;
}

export interface FaultRule {
  /** Shown in the audit; default `rule N`. */
  name?: string;
  match: FaultMatch;
  /** Number of matching requests to let pass first; default 0. */
  after?: number;
  /** Number of matching requests to hit after that; default 1. */
  times?: number | 'always';
  effect: FaultEffect;
}

export interface SeededFaults {
  seed: string | number;
  /** Share of the requests that each kind hits, 0 to 1; their sum is at most 1. */
  rates: Partial<Record<FaultKind, number>>;
  /** Default: all but `token` and `discovery`. */
  routes?: RouteKind[];
  /** Maximum faults per route, resource and start of the world, so that every run ends; default 3. */
  per_resource_max?: number;
}

/** A fault plan, loaded from a file, given to `startEmulator` or posted to `/__emulator/faults`. */
export interface FaultPlan {
  rules?: FaultRule[];
  seeded?: SeededFaults;
}

/** The current plan, with the counters of its rules. */
export interface FaultState {
  rules: { rule: FaultRule; matched: number; fired: number }[];
  seeded: SeededFaults | null;
}

/** The input of a decision. */
export interface FaultFacts {
  route: RouteKind;
  method: string;
  volume_id: string | null;
  backup_id: string | null;
  /** The key of the seeded draw: the resource in the path, else ''. */
  resource: string;
  /** Number of earlier requests for this route and resource since this server started. */
  nth: number;
}

interface FaultDecision {
  effect: FaultEffect | null;
  /** Name of the rule, or `seeded`. */
  by: string;
  /** Indexes of the rules whose counters change. */
  matched: number[];
  fired: number | null;
}

/** An entry of the audit: a fault that was carried out. */
export interface FaultRecord {
  at_ms: number;
  kind: FaultKind;
  /** The rule that caused the fault, or `seeded`. */
  by: string;
  route: RouteKind;
  volume_id: string | null;
  backup_id: string | null;
  request_id: string;
}

/** The state at the start of a plan. */
export function startPlan(plan: FaultPlan): FaultState {
  return {
    rules: (plan.rules ?? []).map((rule) => ({ rule, matched: 0, fired: 0 })),
    seeded: plan.seeded ?? null,
  };
}

/** The plan that belongs to a state. */
export function planOf(state: FaultState): FaultPlan {
  const rules = state.rules.map(({ rule }) => rule);
  return { rules, ...(state.seeded === null ? {} : { seeded: state.seeded }) };
}

/** The fault of this request, if any. Changes nothing: `countDecision` does. */
export function decideFault(state: FaultState, facts: FaultFacts, start: number): FaultDecision {
  const matched: number[] = [];
  for (const [index, { rule, matched: seen, fired }] of state.rules.entries()) {
    if (!matches(rule, facts) || isSpent(rule, fired)) continue;
    matched.push(index);
    if (seen < (rule.after ?? 0)) continue;
    return { effect: rule.effect, by: rule.name ?? `rule ${index + 1}`, matched, fired: index };
  }
  const effect = state.seeded === null ? null : drawFault(state.seeded, facts, start);
  return { effect, by: 'seeded', matched, fired: null };
}

/** Updates the counters according to the decision. */
export function countDecision(state: FaultState, decision: FaultDecision): void {
  for (const index of decision.matched) {
    const entry = state.rules[index];
    if (entry !== undefined) entry.matched += 1;
  }
  const fired = decision.fired === null ? undefined : state.rules[decision.fired];
  if (fired !== undefined) fired.fired += 1;
}

function isSpent(rule: FaultRule, fired: number): boolean {
  return rule.times !== 'always' && fired >= (rule.times ?? 1);
}

function matches(rule: FaultRule, facts: FaultFacts): boolean {
  const { route, method, volume_id, backup_id } = rule.match;
  if (route !== undefined && ![route].flat().includes(facts.route)) return false;
  if (method !== undefined && method.toUpperCase() !== facts.method) return false;
  if (volume_id !== undefined && volume_id !== facts.volume_id) return false;
  if (backup_id !== undefined && backup_id !== facts.backup_id) return false;
  return isApplicable(rule.effect.kind, facts.route);
}

const SEEDED_ROUTES: readonly RouteKind[] = ROUTE_KINDS.filter(
  (route) => route !== 'token' && route !== 'discovery',
);

function drawFault(seeded: SeededFaults, facts: FaultFacts, start: number): FaultEffect | null {
  if (!(seeded.routes ?? SEEDED_ROUTES).includes(facts.route)) return null;
  const kindAt = (nth: number) => drawKind(seeded, facts, start, nth);
  const kind = kindAt(facts.nth);
  if (kind === null) return null;

  // Draws again for the earlier requests, to count their faults without keeping a count.
  let spent = 0;
  const budget = seeded.per_resource_max ?? 3;
  for (let nth = 0; nth < facts.nth && spent < budget; nth += 1) {
    if (kindAt(nth) !== null) spent += 1;
  }
  if (spent >= budget) return null;
  const draw = (what: string) => chance(seeded.seed, start, facts.route, facts.resource, facts.nth, what);
  return FAULTS[kind].draw(draw, facts.route);
}

function drawKind(seeded: SeededFaults, facts: FaultFacts, start: number, nth: number): FaultKind | null {
  const draw = chance(seeded.seed, start, facts.route, facts.resource, nth, 'kind');
  let threshold = 0;
  for (const kind of FAULT_KINDS) {
    if (!isApplicable(kind, facts.route)) continue;
    threshold += seeded.rates[kind] ?? 0;
    if (draw < threshold) return kind;
  }
  return null;
}

const GATEWAY_STATUSES = [302, 408, 409, 429, 500, 502, 503, 504] as const;
const WHEN = ['before', 'after'] as const;

type Draw = (what: string) => number;

interface KindOfFault<Effect> {
  /** Only restores can start late, only jobs can disappear. */
  readonly appliesTo: (route: RouteKind) => boolean;
  /** The details of a seeded fault. */
  readonly draw: (draw: Draw, route: RouteKind) => Effect;
}

const toAll = () => true;
const toRestores = (route: RouteKind) => route === 'restore';
const toJobs = (route: RouteKind) => route === 'restore' || route === 'job';

/** Every kind of fault. Seeded faults are drawn in this order, so that an old seed gives the same faults. */
const FAULTS: { readonly [Kind in FaultKind]: KindOfFault<Extract<FaultEffect, { kind: Kind }>> } = {
  status: { appliesTo: toAll, draw: drawStatus },
  reset: { appliesTo: toAll, draw: (draw) => ({ kind: 'reset', when: pick(WHEN, draw('when')) }) },
  hang: {
    appliesTo: toAll,
    draw: (draw) => ({ kind: 'hang', when: pick(WHEN, draw('when')), for_ms: 1000 }),
  },
  cut: { appliesTo: toAll, draw: () => ({ kind: 'cut' }) },
  garbage: {
    appliesTo: toAll,
    draw: (draw, route) => {
      const body = pick(GARBAGE, draw('body'));
      return { kind: 'garbage', body: body === 'no_job_id' && route !== 'restore' ? 'unreadable' : body };
    },
  },
  slow: {
    appliesTo: toAll,
    draw: (draw) => ({ kind: 'slow', delay_ms: Math.round(draw('delay') * 500) }),
  },
  late_start: {
    appliesTo: toRestores,
    draw: (draw) => ({ kind: 'late_start', after_ms: Math.round(draw('delay') * 1000) }),
  },
  duplicate: { appliesTo: toRestores, draw: () => ({ kind: 'duplicate' }) },
  late_copy: {
    appliesTo: toRestores,
    draw: (draw) => ({ kind: 'late_copy', after_ms: Math.round(draw('delay') * 1000) }),
  },
  token_expiry: {
    appliesTo: (route) => route !== 'token' && route !== 'discovery',
    draw: () => ({ kind: 'token_expiry' }),
  },
  huge: { appliesTo: toAll, draw: () => ({ kind: 'huge', bytes: 64 * 1024 * 1024 }) },
  job_vanishes: { appliesTo: toJobs, draw: () => ({ kind: 'job_vanishes' }) },
  job_endless: { appliesTo: toJobs, draw: () => ({ kind: 'job_endless' }) },
  job_unknown_status: { appliesTo: toJobs, draw: () => ({ kind: 'job_unknown_status' }) },
  job_entities_mismatch: { appliesTo: toJobs, draw: () => ({ kind: 'job_entities_mismatch' }) },
  restore_fails: { appliesTo: toRestores, draw: () => ({ kind: 'restore_fails' }) },
};

export const FAULT_KINDS = Object.keys(FAULTS) as FaultKind[];

export function isApplicable(kind: FaultKind, route: RouteKind): boolean {
  return FAULTS[kind].appliesTo(route);
}

function drawStatus(draw: Draw): Extract<FaultEffect, { kind: 'status' }> {
  const status = pick(GATEWAY_STATUSES, draw('status'));
  // Throttling and conflict are answered instead of the effect, never after it.
  const isRefusal = status === 409 || status === 429 || status === 503;
  const retry = status === 429 || status === 503 ? { retry_after: 1 } : {};
  // A refusal is recognizable only by an error body of the service or its gateway.
  if (isRefusal) return { kind: 'status', when: 'before', status, body: 'gateway', ...retry };
  const body = pick(['service', 'gateway', 'html', 'empty'] as const, draw('body'));
  return { kind: 'status', when: pick(WHEN, draw('when')), status, body, ...retry };
}
