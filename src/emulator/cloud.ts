/**
 * Turns one request into one delivery: routing, token check, faults and services, without a network and without a
 * clock.
 */

import { admin } from './admin.ts';
import {
  type ApiRoot,
  deleteBackup,
  getBackup,
  getVolume,
  listBackups,
  listVolumes,
  postBackup,
  postBackupAction,
  postVolumeAction,
} from './block-storage.ts';
import { listMessages, postCinderRestore } from './cinder.ts';
import {
  deleteServerVolume,
  getFlavor,
  getServer,
  getServerVolume,
  listFlavors,
  listServers,
  listServerVolumes,
  postServerAction,
  postServerVolume,
} from './compute.ts';
import { MICROVERSION_MAX, versions } from './discovery.ts';
import { errorReply, replyWithGarbage } from './fault-replies.ts';
import {
  countDecision,
  decideFault,
  type FaultAnswer,
  type FaultEffect,
  type FaultFacts,
  type FaultKind,
  type JobFault,
  type RouteKind,
} from './faults.ts';
import { catalog, expireTokens, identify, project, projects, tokens } from './keystone.ts';
import { advance, type Job, type JobCause, lookup, schedule, type World } from './model.ts';
import { findRoute, type Route, routeKind } from './routes.ts';
import { unreachable } from './unreachable.ts';
import { getJob, postRestore, restoreTarget } from './vbs.ts';
import {
  blockStorageError,
  header,
  type Reply,
  type ServiceType,
  serviceError,
  type WireRequest,
} from './wire.ts';

interface ServeContext {
  now_ms: number;
  newId: () => string;
  /** Number of requests so far, by route; shown in the audit. */
  requests: Record<string, number>;
  /** Number of earlier requests for the same route and resource. */
  nth: number;
}

/** What the server does to the connection. */
export type Delivery = { fault: FaultKind | null; route: RouteKind | 'admin' } & (
  | { kind: 'complete'; reply: Reply; delay_ms: number; reported_job_id: string | null }
  | { kind: 'cut'; reply: Reply }
  | { kind: 'reset' }
  | { kind: 'hang'; for_ms: number }
  | { kind: 'huge'; status: number; bytes: number }
);

/** The facts about a request that fault rules match; null for admin requests. */
export function factsOf(world: World, request: WireRequest): Omit<FaultFacts, 'nth'> | null {
  const route = findRoute(request.path);
  const kind = routeKind(route, request.method);
  if (kind === null) return null;
  const [volume_id, backup_id] = resourcesOf(world, route, request);
  const resource = [volume_id, backup_id].filter((id) => id !== null).join(' ');
  return { route: kind, method: request.method, volume_id, backup_id, resource };
}

function resourcesOf(world: World, route: Route, request: WireRequest): [string | null, string | null] {
  switch (route.to) {
    case 'restore':
    case 'cinder-restore':
      return [restoreTarget(request.body), route.backup_id];
    case 'job': {
      const job = lookup(world.jobs, route.job_id);
      return [job?.volume_id ?? null, job?.backup_id ?? null];
    }
    case 'volume':
    case 'volume-action':
      return [route.volume_id, null];
    case 'backup-action':
      return [null, route.backup_id];
    case 'server-volume':
      return [route.volume_id, null];
    case 'backup':
      return [null, route.backup_id];
    default:
      return [null, null];
  }
}

/** Whether this request may change the world, apart from what time alone changes. */
export function mayChange(world: World, request: WireRequest, nth: number): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return true;
  const facts = factsOf(world, request);
  if (facts === null) return false;
  const decision = decideFault(world.faults, { ...facts, nth }, world.starts);
  return decision.effect !== null || decision.matched.length > 0;
}

/** Serves one request on the world as it is at `context.now_ms`. */
export function serve(world: World, request: WireRequest, context: ServeContext): Delivery {
  advance(world, context.now_ms);
  const route = findRoute(request.path);
  const facts = factsOf(world, request);
  if (route.to === 'admin' || facts === null) {
    const name = route.to === 'admin' ? route.name : '';
    const reply = admin(world, name, request, { ...context, request_id: request.request_id });
    return { kind: 'complete', reply, delay_ms: 0, reported_job_id: null, fault: null, route: 'admin' };
  }

  const decision = decideFault(world.faults, { ...facts, nth: context.nth }, world.starts);
  countDecision(world.faults, decision);
  if (decision.effect !== null) {
    world.fault_log.push({
      at_ms: context.now_ms,
      kind: decision.effect.kind,
      by: decision.by,
      route: facts.route,
      volume_id: facts.volume_id,
      backup_id: facts.backup_id,
      request_id: request.request_id,
    });
  }
  return new RequestHandler(world, request, context, route, facts.route).deliver(decision.effect);
}

interface ServiceAnswer {
  reply: Reply;
  /** The restore whose id this answer contains. */
  job: Job | null;
  /** How long the service itself takes to answer. */
  delay_ms?: number;
}

/** Carries out one request, and the fault that hits it. */
class RequestHandler {
  readonly #world: World;
  readonly #request: WireRequest;
  readonly #context: ServeContext;
  readonly #route: Exclude<Route, { to: 'admin' }>;
  readonly #kind: RouteKind;

  constructor(
    world: World,
    request: WireRequest,
    context: ServeContext,
    route: Exclude<Route, { to: 'admin' }>,
    kind: RouteKind,
  ) {
    this.#world = world;
    this.#request = request;
    this.#context = context;
    this.#route = route;
    this.#kind = kind;
  }

  deliver(effect: FaultEffect | null): Delivery {
    if (effect === null) return this.#deliverAnswer(this.#answer(), null);
    const fault = { fault: effect.kind, route: this.#kind };
    switch (effect.kind) {
      case 'status':
        if (effect.when === 'after') this.#answer();
        return this.#deliverInstead(this.#faultReply(effect), effect.kind);
      case 'reset':
        if (effect.when === 'after') this.#answer();
        return { kind: 'reset', ...fault };
      case 'hang':
        if (effect.when === 'after') this.#answer();
        return { kind: 'hang', for_ms: effect.for_ms, ...fault };
      case 'cut':
        return { kind: 'cut', reply: this.#answer().reply, ...fault };
      case 'garbage':
        return this.#deliverInstead(
          replyWithGarbage(this.#answer().reply, effect.body, this.#service()),
          effect.kind,
        );
      case 'slow':
        return this.#deliverAnswer(this.#answer(), effect.kind, effect.delay_ms);
      case 'late_start':
        this.#scheduleArrival(effect.after_ms, 'late_start');
        return this.#deliverInstead(
          this.#faultReply(effect.answer ?? { status: 504, body: 'gateway' }),
          effect.kind,
        );
      case 'duplicate':
        this.#answer();
        return this.#deliverAnswer(this.#answer('duplicate'), effect.kind);
      case 'late_copy': {
        const answer = this.#answer();
        this.#scheduleArrival(effect.after_ms, 'duplicate');
        return this.#deliverAnswer(answer, effect.kind);
      }
      case 'token_expiry':
        expireTokens(this.#world, header(this.#request, 'x-auth-token') ?? '');
        return this.#deliverAnswer(this.#answer(), effect.kind);
      case 'huge':
        return { kind: 'huge', status: this.#answer().reply.status, bytes: effect.bytes, ...fault };
      case 'job_vanishes':
      case 'job_endless':
      case 'job_unknown_status':
      case 'job_entities_mismatch':
      case 'restore_fails':
        return this.#deliverAnswer(this.#answer('request', [effect]), effect.kind);
      default:
        return unreachable(effect);
    }
  }

  /** Delivers the true answer. */
  #deliverAnswer(
    { reply, job, delay_ms = 0 }: ServiceAnswer,
    fault: FaultKind | null,
    late_ms = 0,
  ): Delivery {
    if (job !== null) job.client_informed = true;
    return {
      kind: 'complete',
      reply,
      delay_ms: delay_ms + late_ms,
      reported_job_id: job?.id ?? null,
      fault,
      route: this.#kind,
    };
  }

  /** Delivers another answer instead of the true one. */
  #deliverInstead(reply: Reply, fault: FaultKind): Delivery {
    return { kind: 'complete', reply, delay_ms: 0, reported_job_id: null, fault, route: this.#kind };
  }

  /** Carries out the request, and returns the true answer. */
  #answer(cause: JobCause = 'request', faults: JobFault[] = []): ServiceAnswer {
    const world = this.#world;
    const request = this.#request;
    const route = this.#route;
    const { now_ms, newId } = this.#context;
    const withoutJob = (reply: Reply): ServiceAnswer => ({ reply, job: null });
    switch (route.to) {
      case 'versions':
        return withoutJob(versions(route.service, route.version, request.base_url));
      case 'tokens':
        return withoutJob(tokens(world, request, now_ms, newId));
      case 'catalog':
        return withoutJob(catalog(world, request, now_ms));
      case 'projects':
      case 'projects-by-name':
        return withoutJob(projects(world, request, now_ms));
      case 'project':
        return withoutJob(project(world, request, route.project_id, now_ms));
      case 'unknown':
        return withoutJob(serviceError(route.service, 404, 'The resource could not be found.'));
      default: {
        const refusal = this.#refusal(route);
        const answer = refusal === null ? this.#inProject(route, cause, faults) : withoutJob(refusal);
        // A request without a token is refused before the service sees its version.
        if (route.service === 'block-storage' && answer.reply.status !== 401)
          addMicroversion(answer.reply, request);
        return answer;
      }
    }
  }

  #inProject(route: InProjectRoute, cause: JobCause, faults: JobFault[]): ServiceAnswer {
    const { request_id, body } = this.#request;
    const { now_ms, newId } = this.#context;
    if (route.to !== 'restore' && route.to !== 'cinder-restore')
      return { reply: this.#replyInProject(route, faults), job: null };
    const { project_id, backup_id } = route;
    const restore = { project_id, backup_id, request_id, job_id: jobId(newId()), cause, faults };
    return route.to === 'restore'
      ? postRestore(this.#world, { ...restore, body }, now_ms)
      : postCinderRestore(this.#world, body, restore, now_ms);
  }

  #replyInProject(route: WithoutJobRoute, faults: JobFault[]): Reply {
    const world = this.#world;
    const request = this.#request;
    const { now_ms, newId } = this.#context;
    const context = { now_ms, newId, request_id: request.request_id };
    const root = apiRootOf(route, request);
    switch (route.to) {
      case 'messages':
        return listMessages(world, root, request);
      case 'job':
        return getJob(world, route.job_id, route.project_id, faults, now_ms);
      case 'volumes':
        return listVolumes(world, root, route.detail, request);
      case 'volume':
        return getVolume(world, root, route.volume_id);
      case 'volume-action':
        return postVolumeAction(world, root, route.volume_id, request.body, context);
      case 'backups':
        return request.method === 'POST'
          ? postBackup(world, root, request.body, context)
          : listBackups(world, root, route.detail, request);
      case 'backup':
        return request.method === 'DELETE'
          ? deleteBackup(world, root, route.backup_id, context)
          : getBackup(world, root, route.backup_id);
      case 'backup-action':
        return postBackupAction(world, root, route.backup_id, request.body, context);
      case 'servers':
        return listServers(world, root, route.detail, request);
      case 'server':
        return getServer(world, root, route.server_id);
      case 'server-volume':
        return request.method === 'DELETE'
          ? deleteServerVolume(world, root, route.server_id, route.volume_id, context)
          : getServerVolume(world, root, route.server_id, route.volume_id);
      case 'server-volumes':
        return request.method === 'POST'
          ? postServerVolume(world, root, route.server_id, request.body, context)
          : listServerVolumes(world, root, route.server_id);
      case 'server-action':
        return postServerAction(world, root, route.server_id, request.body);
      case 'flavors':
        return listFlavors(world, root, route.detail, request);
      case 'flavor':
        return getFlavor(root, route.flavor_id);
      default:
        return unreachable(route);
    }
  }

  /** The checks in front of every service: method, token, project, microversion. Null: the request is allowed. */
  #refusal(route: InProjectRoute): Reply | null {
    const request = this.#request;
    const identity = identify(this.#world, request, this.#context.now_ms);
    if (!identity.ok) return identity.reply;
    if (identity.project_id !== route.project_id)
      return serviceError(route.service, 400, 'Malformed request url');
    if (lookup(this.#world.users, identity.user_id)?.forbidden_services?.includes(route.service)) {
      const message =
        route.service === 'vbs'
          ? 'You do not have the rights to perform this operation.'
          : "Policy doesn't allow this operation to be performed.";
      return serviceError(route.service, 403, message, 'VolumeBackup.0042');
    }
    const allowed = METHODS[route.to];
    if (!allowed.includes(request.method)) {
      const reply = serviceError(
        route.service,
        405,
        `The method ${request.method} is not allowed for this resource.`,
      );
      reply.headers.Allow = allowed.join(', ');
      return reply;
    }
    const version = header(request, 'openstack-api-version')?.match(/^volume (\d+)\.(\d+)$/);
    if (route.service === 'block-storage' && version && !isKnownMicroversion(version)) {
      const message = `Version ${version[1]}.${version[2]} is not supported by the API. Minimum is 3.0 and maximum is ${MICROVERSION_MAX}.`;
      return blockStorageError(406, message);
    }
    return null;
  }

  /** The gateway has given up on the request, but the request still reaches the service later. */
  #scheduleArrival(after_ms: number, cause: JobCause): void {
    const route = this.#route;
    const request = this.#request;
    const { now_ms, newId } = this.#context;
    const volume_id = restoreTarget(request.body);
    if (route.to !== 'restore' && route.to !== 'cinder-restore') return;
    if (volume_id === null || this.#refusal(route) !== null) return;
    schedule(this.#world, {
      at_ms: now_ms + after_ms,
      event: 'restore_arrives',
      request: {
        project_id: route.project_id,
        backup_id: route.backup_id,
        volume_id,
        request_id: request.request_id,
        job_id: jobId(newId()),
        cause,
        faults: [],
        ...(route.to === 'cinder-restore' ? { api: 'cinder' } : {}),
      },
    });
  }

  #service(): ServiceType {
    const route = this.#route;
    return 'service' in route ? route.service : 'identity';
  }

  #faultReply(answer: FaultAnswer): Reply {
    const reply = errorReply(answer.body ?? 'service', answer, this.#service(), this.#request);
    if (answer.retry_after !== undefined) {
      const date = new Date(this.#context.now_ms + answer.retry_after * 1000).toUTCString();
      reply.headers['Retry-After'] =
        answer.retry_after_form === 'http_date' ? date : String(answer.retry_after);
    }
    if (answer.status >= 300 && answer.status < 400) {
      // If a client follows the redirect, the audit shows a request for the route `unknown`.
      reply.headers.Location = answer.location ?? `${this.#request.base_url}/redirected`;
    }
    return reply;
  }
}

type InProjectRoute = Extract<Route, { service: 'vbs' | 'block-storage' | 'compute'; project_id: string }>;
/** All but the requests for a restore. */
type WithoutJobRoute = Exclude<InProjectRoute, { to: 'restore' | 'cinder-restore' }>;

const METHODS: Record<InProjectRoute['to'], readonly string[]> = {
  restore: ['POST'],
  'cinder-restore': ['POST'],
  messages: ['GET', 'HEAD'],
  job: ['GET', 'HEAD'],
  volumes: ['GET', 'HEAD'],
  volume: ['GET', 'HEAD'],
  'volume-action': ['POST'],
  backups: ['GET', 'HEAD', 'POST'],
  backup: ['GET', 'HEAD', 'DELETE'],
  servers: ['GET', 'HEAD'],
  server: ['GET', 'HEAD'],
  'server-volumes': ['GET', 'HEAD', 'POST'],
  'server-volume': ['GET', 'HEAD', 'DELETE'],
  'server-action': ['POST'],
  'backup-action': ['POST'],
  flavors: ['GET', 'HEAD'],
  flavor: ['GET', 'HEAD'],
};

/** Some job ids are dashed UUIDs and some are 32 hex digits, so the emulator uses both forms. */
function jobId(id: string): string {
  return Number.parseInt(id.at(-1) ?? '', 16) % 2 === 0 ? id.replaceAll('-', '') : id;
}

function apiRootOf(route: InProjectRoute, request: WireRequest): ApiRoot {
  const { version, project_id, service } = route;
  const root = `${request.base_url}/${ROOTS[service]}`;
  return {
    version,
    project_id,
    url: `${root}/${version}/${project_id}`,
    bookmark_url: `${root}/${project_id}`,
  };
}

const ROOTS = { vbs: 'vbs', 'block-storage': 'evs', compute: 'compute' } as const;

function isKnownMicroversion([, major, minor]: RegExpMatchArray): boolean {
  return major === '3' && Number(minor) <= Number(MICROVERSION_MAX.split('.')[1]);
}

function addMicroversion(reply: Reply, request: WireRequest): void {
  const version = header(request, 'openstack-api-version');
  reply.headers['Openstack-Api-Version'] = version?.startsWith('volume ') ? version : 'volume 3.0';
  reply.headers.Vary = 'OpenStack-API-Version';
}
