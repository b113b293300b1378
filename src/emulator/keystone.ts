/** Keystone v3: tokens by password, token or application credential; their validation; signed requests; the catalog. */
import { type Fields, isFields } from './check.ts';
import { hashedUuid } from './ids.ts';
import {
  type ApplicationCredential,
  lookup,
  type Project,
  type Token,
  type User,
  type World,
} from './model.ts';
import { isSigned, verify } from './signature.ts';
import {
  empty,
  formatKeystoneTime,
  header,
  json,
  keystoneError,
  parseJson,
  type Reply,
  UNAUTHORIZED,
  unauthorized,
  type WireRequest,
} from './wire.ts';

/** The user of a request, by token or signature, and the project. */
export type Identified =
  | { ok: true; user_id: string; project_id: string | null }
  | { ok: false; reply: Reply };

export function identify(world: World, request: WireRequest, now_ms: number): Identified {
  if (isSigned(request)) return bySignature(world, request, now_ms);
  const token = tokenOf(world, request, now_ms);
  return token === null
    ? { ok: false, reply: unauthorized(request.base_url) }
    : { ok: true, user_id: token.user_id, project_id: token.project_id };
}

/** A signed request names its project in a header, because the key does not contain it. */
function bySignature(world: World, request: WireRequest, now_ms: number): Identified {
  const verified = verify(request, (id) => lookup(world.access_keys, id), now_ms);
  if (!verified.ok) return verified;
  const { user_id } = verified.key;
  const project_id = header(request, 'x-project-id') ?? null;
  if (project_id === null || lookup(world.users, user_id)?.project_ids.includes(project_id))
    return { ok: true, user_id, project_id };
  const error_msg = 'The IAM user is not authorized to access the API.';
  const { request_id } = request;
  return { ok: false, reply: json(403, { error_msg, error_code: 'APIGW.0302', request_id }) };
}

/** The token of a request, if it is valid now. */
function tokenOf(world: World, request: WireRequest, now_ms: number): Token | null {
  return validToken(world, header(request, 'x-auth-token'), now_ms);
}

function validToken(world: World, id: string | undefined, now_ms: number): Token | null {
  const token = id === undefined ? undefined : lookup(world.tokens, id);
  return token !== undefined && token.expires_ms > now_ms ? token : null;
}

/** Invalidates all issued tokens, or the given one. */
export function expireTokens(world: World, id?: string): void {
  if (id === undefined) world.tokens = {};
  else if (Object.hasOwn(world.tokens, id)) delete world.tokens[id];
}

/** `/v3/auth/tokens`. */
export function tokens(world: World, request: WireRequest, now_ms: number, newId: () => string): Reply {
  switch (request.method) {
    case 'POST':
      return issue(world, request, now_ms, newId);
    case 'GET':
    case 'HEAD':
    case 'DELETE':
      return inspect(world, request, now_ms);
    default:
      return methodNotAllowed('GET, HEAD, POST, DELETE');
  }
}

/** `/v3/auth/catalog`. */
export function catalog(world: World, request: WireRequest, now_ms: number): Reply {
  const identity = identify(world, request, now_ms);
  if (!identity.ok) return identity.reply;
  return json(200, { catalog: catalogOf(world, identity.project_id, request.base_url), links: {} });
}

/**
 * `/v3/auth/projects` and `/v3/projects`: the projects that the user may scope to; only those with the `name` of the
 * query, if it has one.
 */
export function projects(world: World, request: WireRequest, now_ms: number): Reply {
  const identity = identify(world, request, now_ms);
  if (!identity.ok) return identity.reply;
  const name = request.query.get('name');
  const own = lookup(world.users, identity.user_id)?.project_ids ?? [];
  const found = own
    .map((id) => lookup(world.projects, id))
    .filter((project) => project !== undefined)
    .filter((project) => name === null || project.name === name);
  return json(200, {
    projects: found.map((each) => projectBody(each, request)),
    links: { next: null, previous: null, self: request.base_url + request.path },
  });
}

/** `/v3/projects/{id}` */
export function project(world: World, request: WireRequest, id: string, now_ms: number): Reply {
  const identity = identify(world, request, now_ms);
  if (!identity.ok) return identity.reply;
  const found = lookup(world.users, identity.user_id)?.project_ids.includes(id)
    ? lookup(world.projects, id)
    : undefined;
  if (found === undefined) return keystoneError(404, `Could not find project: ${id}.`);
  return json(200, { project: projectBody(found, request) });
}

function projectBody({ id, name, domain }: Project, { base_url }: WireRequest): object {
  const domain_id = domainId(domain);
  const links = { self: `${base_url}/v3/projects/${id}` };
  const rest = { description: '', enabled: true, is_domain: false, tags: [], options: {} };
  return { id, name, domain_id, parent_id: domain_id, ...rest, links };
}

function methodNotAllowed(allow: string): Reply {
  const reply = keystoneError(405, 'The method is not allowed for the requested URL.');
  reply.headers.Allow = allow;
  return reply;
}

function inspect(world: World, request: WireRequest, now_ms: number): Reply {
  if (tokenOf(world, request, now_ms) === null) return unauthorized(request.base_url);
  const subject = header(request, 'x-subject-token');
  const token = validToken(world, subject, now_ms);
  if (subject === undefined || token === null) return keystoneError(404, 'Could not find token.');
  if (request.method === 'DELETE') {
    expireTokens(world, subject);
    return empty(204);
  }
  return json(200, tokenBody(world, token, request.base_url), { 'X-Subject-Token': subject });
}

/** The user, and what limits the scope of the answer. */
interface Authentication {
  user: User;
  /** Set by an application credential, which belongs to a project. */
  project_id: string | null;
  /** Set by a token: a token that is issued for it expires when it expires. */
  expires_ms: number | null;
  methods: string[];
}

/** A refusal with Keystone's text; thrown in this file, answered by `issue`. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function issue(world: World, request: WireRequest, now_ms: number, newId: () => string): Reply {
  try {
    const auth = fieldsOf(fieldsOf(parseJson(request.body), '(root)').auth, 'auth');
    const authentication = authenticate(world, fieldsOf(auth.identity, 'identity'), now_ms);
    const project_id = scopeOf(world, auth.scope, authentication);
    const token: Token = {
      user_id: authentication.user.id,
      project_id,
      methods: authentication.methods,
      issued_ms: now_ms,
      expires_ms: authentication.expires_ms ?? now_ms + world.settings.token_ttl_ms,
    };
    dropExpired(world, now_ms);
    const id = `emulated-${newId()}`;
    world.tokens[id] = token;
    return json(201, tokenBody(world, token, request.base_url), { 'X-Subject-Token': id });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const reply = keystoneError(error.status, error.message);
    if (error.status === 401) reply.headers['WWW-Authenticate'] = `Keystone uri="${request.base_url}/v3"`;
    return reply;
  }
}

/** Removes expired tokens, so that they do not accumulate. */
function dropExpired(world: World, now_ms: number): void {
  for (const [id, token] of Object.entries(world.tokens)) {
    if (token.expires_ms <= now_ms) delete world.tokens[id];
  }
}

function authenticate(world: World, identity: Fields, now_ms: number): Authentication {
  const methods = identity.methods;
  if (!Array.isArray(methods) || methods.length === 0) throw missing('methods', 'identity');
  const authentications = methods.map((method: unknown) => {
    switch (method) {
      case 'password':
        return byPassword(world, fieldsOf(identity.password, 'password'), now_ms);
      case 'token':
        return byToken(world, fieldsOf(identity.token, 'token'), now_ms);
      case 'application_credential':
        return byCredential(
          world,
          fieldsOf(identity.application_credential, 'application_credential'),
          now_ms,
        );
      default:
        throw new Refused(401, 'Attempted to authenticate with an unsupported method.');
    }
  });
  const [authentication] = authentications;
  if (authentication === undefined || authentications.some(({ user }) => user !== authentication.user))
    throw unauthenticated();
  return { ...authentication, methods: methods.map(String) };
}

function byPassword(world: World, password: Fields, now_ms: number): Authentication {
  const given = fieldsOf(password.user, 'user');
  const user = findUser(world, given);
  if (user === undefined || user.password !== given.password) throw unauthenticated();
  if (user.password_expires_ms !== undefined && user.password_expires_ms <= now_ms)
    throw new Refused(401, `The password is expired and needs to be changed for user: ${user.id}.`);
  return { user, project_id: null, expires_ms: null, methods: [] };
}

function byToken(world: World, given: Fields, now_ms: number): Authentication {
  if (typeof given.id !== 'string') throw missing('id', 'token');
  const token = validToken(world, given.id, now_ms);
  const user = token === null ? undefined : lookup(world.users, token.user_id);
  if (token === null || user === undefined) throw unauthenticated();
  return { user, project_id: token.project_id, expires_ms: token.expires_ms, methods: [] };
}

function byCredential(world: World, given: Fields, now_ms: number): Authentication {
  const credential = findCredential(world, given);
  const user = credential === undefined ? undefined : lookup(world.users, credential.user_id);
  if (credential === undefined || user === undefined || credential.secret !== given.secret)
    throw unauthenticated();
  if (credential.expires_ms !== undefined && credential.expires_ms <= now_ms) throw unauthenticated();
  return { user, project_id: credential.project_id, expires_ms: null, methods: [] };
}

function findCredential(world: World, given: Fields): ApplicationCredential | undefined {
  if (typeof given.id === 'string') return lookup(world.application_credentials, given.id);
  const user = findUser(world, fieldsOf(given.user, 'user'));
  return Object.values(world.application_credentials).find(
    ({ name, user_id }) => name === given.name && user_id === user?.id,
  );
}

function findUser(world: World, given: Fields): User | undefined {
  if (typeof given.id === 'string') return lookup(world.users, given.id);
  if (typeof given.name !== 'string') throw missing('name', 'user');
  const domain = fieldsOf(given.domain, 'domain');
  return Object.values(world.users).find((user) => user.name === given.name && isDomain(user.domain, domain));
}

function scopeOf(world: World, scope: unknown, authentication: Authentication): string | null {
  if (authentication.methods.includes('application_credential')) {
    if (scope !== undefined) {
      const detail = 'Application credentials cannot request a scope.';
      throw new Refused(401, `Error authenticating with application credential: ${detail}`);
    }
    return authentication.project_id;
  }
  // A request with a token but no scope keeps the scope of the token. Users have no default project here.
  if (scope === undefined) return authentication.project_id;
  if (scope === 'unscoped') return null;
  const given = fieldsOf(fieldsOf(scope, 'scope').project, 'project');
  const project = findProject(world, given);
  // Keystone does not distinguish a wrong project from a missing role.
  if (project === undefined || !authentication.user.project_ids.includes(project.id)) throw unauthenticated();
  return project.id;
}

function findProject(world: World, given: Fields): Project | undefined {
  if (typeof given.id === 'string') return lookup(world.projects, given.id);
  if (typeof given.name !== 'string') throw missing('name', 'project');
  const domain = fieldsOf(given.domain, 'domain');
  return Object.values(world.projects).find(
    (project) => project.name === given.name && isDomain(project.domain, domain),
  );
}

function isDomain(name: string, given: Fields): boolean {
  return given.id === domainId(name) || given.name === name;
}

/** The id of the domain `Default` is `default`, as in every Keystone. Other domains get a generated id. */
function domainId(name: string): string {
  return name === 'Default' ? 'default' : hashedUuid('domain', name).replaceAll('-', '');
}

function fieldsOf(value: unknown, name: string): Fields {
  if (isFields(value)) return value;
  throw missing(name, 'the request body');
}

function missing(name: string, where: string): Refused {
  const rest =
    'The server could not comply with the request since it is either malformed or otherwise incorrect.';
  return new Refused(400, `Expecting to find ${name} in ${where}. ${rest}`);
}

function unauthenticated(): Refused {
  return new Refused(401, UNAUTHORIZED);
}

function tokenBody(world: World, token: Token, base_url: string): object {
  const user = lookup(world.users, token.user_id);
  const project = token.project_id === null ? undefined : lookup(world.projects, token.project_id);
  const domain = (name: string) => ({ id: domainId(name), name });
  const scoped = project && {
    project: { id: project.id, name: project.name, domain: domain(project.domain) },
    is_domain: false,
    roles: [{ id: hashedUuid('role member').replaceAll('-', ''), name: 'member' }],
    catalog: catalogOf(world, token.project_id, base_url),
  };
  return {
    token: {
      methods: token.methods,
      user: user && {
        id: user.id,
        name: user.name,
        domain: domain(user.domain),
        password_expires_at: null,
      },
      audit_ids: [hashedUuid(token.user_id, token.issued_ms)],
      issued_at: formatKeystoneTime(token.issued_ms),
      expires_at: formatKeystoneTime(token.expires_ms),
      ...scoped,
    },
  };
}

const SERVICES = [
  { type: 'identity', name: 'keystone', path: '/v3' },
  { type: 'vbs', name: 'vbs', path: '/vbs/v2/{project}' },
  { type: 'vbsv2', name: 'vbsv2', path: '/vbs/v2/{project}' },
  { type: 'volumev2', name: 'evsv2', path: '/evs/v2/{project}' },
  { type: 'volumev3', name: 'evsv3', path: '/evs/v3/{project}' },
  { type: 'block-storage', name: 'cinder', path: '/evs/v3/{project}' },
  { type: 'compute', name: 'nova', path: '/compute/v2.1/{project}' },
] as const;

/** Endpoints use the host that the client used, so that the catalog works through any tunnel. */
function catalogOf(world: World, project_id: string | null, base_url: string): object[] {
  if (project_id === null) return [];
  const url = (path: string) => base_url + path.replace('{project}', project_id);
  const serviceTypes = lookup(world.projects, project_id)?.services;
  return SERVICES.filter(({ type }) => serviceTypes === undefined || serviceTypes.includes(type)).map(
    ({ type, name, path }) => ({
      id: hashedUuid('service', type).replaceAll('-', ''),
      type,
      name,
      endpoints: ['public', 'internal', 'admin'].map((interface_) => ({
        id: hashedUuid('endpoint', type, interface_).replaceAll('-', ''),
        interface: interface_,
        region: world.region,
        region_id: world.region,
        url: url(path),
      })),
    }),
  );
}
