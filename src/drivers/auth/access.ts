import { isoTime } from '../../domain/clock.ts';
import type { CloudFailure } from '../../domain/cloud.ts';
import { canonicalAuthUrl } from '../../domain/cloud-project.ts';
import { formatDuration } from '../../domain/duration.ts';
import type { StepListener } from '../steps.ts';
import { type AccessTools, KeystoneQueries, type QueryResult, SigningSession } from './access-keys.ts';
import {
  isNetworkFailure,
  noProject,
  noProjectNamed,
  noProjectOfId,
  notAuthenticated,
  refusedQuery,
  unscopedToken,
} from './auth-failures.ts';
import type { Session } from './auth-session.ts';
import type { Auth, CloudSettings, TokenAuth } from './auth-settings.ts';
import { type Catalog, joinNames } from './catalog.ts';
import type { CloudClock } from './cloud-clock.ts';
import { KeystoneSession } from './keystone.ts';

/** An open connection to one project. */
export interface Access {
  readonly session: Session;
  readonly project: Project;
  readonly catalog: Catalog;
  /** When the access ends, by our clock, epoch ms; nothing here can renew it. */
  readonly expiresAtMs?: number;
}

interface Project {
  readonly id: string;
  readonly name?: string;
}

interface AccessOptions {
  readonly settings: CloudSettings;
  /** Whether an endpoint must come from the catalog, because the settings do not name it. */
  readonly needsCatalog: (projectId: string) => boolean;
  readonly tools: AccessTools;
  readonly steps: StepListener;
  readonly signal?: AbortSignal | undefined;
}

/** Authenticates, and learns project and catalog. Throws a Failure (`cloud`); rejects with the signal's reason. */
export function openAccess(options: AccessOptions): Promise<Access> {
  const { auth } = options.settings;
  return auth.type === 'aksk' ? byAccessKey(options, auth) : byToken(options, auth);
}

/** Keystone sends project and catalog with the token. */
async function byToken({ settings, tools, steps, signal }: AccessOptions, auth: TokenAuth): Promise<Access> {
  const session = new KeystoneSession(settings.auth_url, auth, tools);
  steps.begin('connection');
  const authenticated = await session.authenticate(signal);
  const refused = (failure: CloudFailure) => notAuthenticated(failure, settings, tools.cloudClock);
  if (authenticated.kind === 'failed' && isNetworkFailure(authenticated.failure))
    throw refused(authenticated.failure);
  steps.done(connectionText(settings));

  steps.begin('credentials');
  if (authenticated.kind === 'failed') throw refused(authenticated.failure);
  const { project, catalog, lifetimeMs } = authenticated.value;
  const expiresAtMs = tools.clock.now() + lifetimeMs;
  const isFinal = auth.type === 'token';
  const renewal = isFinal ? 'cannot be renewed' : 'renewed automatically';
  steps.done(
    `a token, valid until ${isoTime(expiresAtMs).slice(0, 16)}Z, for ${formatDuration(lifetimeMs)}; ${renewal}`,
  );

  steps.begin('project');
  if (!project) throw unscopedToken(settings);
  steps.done(nameAndId(project));
  steps.begin('catalog');
  steps.done(catalogText(catalog));
  return { session, project, catalog, ...(isFinal ? { expiresAtMs } : {}) };
}

/** Keystone sends nothing with a signature: project and catalog are requested, unless the settings name them. */
async function byAccessKey(
  { settings, needsCatalog, tools, steps, signal }: AccessOptions,
  { key, project: named }: Extract<Auth, { type: 'aksk' }>,
): Promise<Access> {
  const queries = new KeystoneQueries(settings.auth_url, key, tools);
  const reporter = new QueryReporter(settings, tools.cloudClock, steps);
  const open = (project: Project, catalog: Catalog): Access => ({
    session: new SigningSession(key, project.id, tools),
    project,
    catalog,
  });
  const catalogOf = ({ id }: Project) =>
    needsCatalog(id) ? reporter.run('catalog', () => queries.catalog(id, signal), catalogText) : [];

  if (named && 'id' in named) {
    // A file that nobody named may not decide the owner of the project: the owner of the key must see the project.
    if (settings.checkout !== undefined)
      await reporter.run(
        'project',
        () => queries.accessibleProjects(signal),
        (projects) => {
          const project = projects.find(({ id }) => id === named.id);
          if (!project) throw noProjectOfId(named.id, settings);
          return nameAndId(project);
        },
      );
    const catalog = await catalogOf(named);
    if (settings.checkout === undefined) {
      steps.begin('project');
      steps.done(`${named.id}, as the settings say`);
    }
    return open(named, catalog);
  }
  const name = named?.name ?? settings.region;
  if (name === undefined) {
    steps.begin('project');
    throw noProjectNamed(settings);
  }
  const onlyProject = (projects: readonly Project[]): Project => {
    const [project] = projects;
    if (!project || projects.length > 1) throw noProject(name, projects.length, settings);
    return project;
  };
  const found = await reporter.run(
    'project',
    () => queries.projectsByName(name, signal),
    (projects) => nameAndId(onlyProject(projects)),
  );
  const project = onlyProject(found);
  return open(project, await catalogOf(project));
}

/** Runs queries and reports them as steps. The first one also shows whether connection and signature work. */
class QueryReporter {
  readonly #settings: CloudSettings;
  readonly #cloudClock: CloudClock;
  readonly #steps: StepListener;
  #isConnected = false;

  constructor(settings: CloudSettings, cloudClock: CloudClock, steps: StepListener) {
    this.#settings = settings;
    this.#cloudClock = cloudClock;
    this.#steps = steps;
  }

  async run<T>(
    step: 'project' | 'catalog',
    query: () => Promise<QueryResult<T>>,
    describe: (value: T) => string,
  ): Promise<T> {
    if (!this.#isConnected) this.#steps.begin('connection');
    const result = await query();
    if (!this.#isConnected) this.#reportConnection(result);
    this.#steps.begin(step);
    if (result.kind === 'failed') throw refusedQuery(step, result.failure, this.#settings);
    this.#steps.done(describe(result.value));
    return result.value;
  }

  #reportConnection(result: QueryResult<unknown>): void {
    const failure = result.kind === 'failed' ? result.failure : undefined;
    const refused = (why: CloudFailure) => notAuthenticated(why, this.#settings, this.#cloudClock);
    if (failure && isNetworkFailure(failure)) throw refused(failure);
    this.#steps.done(connectionText(this.#settings));
    this.#steps.begin('credentials');
    if (failure?.status === 401) throw refused(failure);
    this.#steps.done('the signature was accepted');
    this.#isConnected = true;
  }
}

function connectionText(settings: CloudSettings): string {
  return `reached ${canonicalAuthUrl(settings.auth_url)}`;
}

function nameAndId({ id, name }: Project): string {
  return name === undefined ? id : `${name} (${id})`;
}

function catalogText(catalog: Catalog): string {
  const types = [...new Set(catalog.map(({ type }) => type))];
  return types.length === 0 ? 'empty' : `${types.length} services: ${joinNames(types)}`;
}
