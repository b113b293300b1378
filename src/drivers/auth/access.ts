import { isoTime } from '../../domain/clock.ts';
import type { CloudFailure } from '../../domain/cloud.ts';
import { canonicalAuthUrl } from '../../domain/cloud-project.ts';
import { formatDuration } from '../../domain/duration.ts';
import type { Steps } from '../steps.ts';
import { type AccessTools, AccountLookUps, type LookUp, SigningSession } from './access-keys.ts';
import {
  isNetworkFailure,
  noProject,
  noProjectNamed,
  noProjectOfId,
  notAuthenticated,
  refusedLookUp,
  unscopedToken,
} from './auth-failures.ts';
import type { Session } from './auth-session.ts';
import type { Auth, CloudSettings, TokenAuth } from './auth-settings.ts';
import { type Catalog, namesText } from './catalog.ts';
import type { CloudClock } from './cloud-clock.ts';
import { KeystoneSession } from './keystone.ts';

/** An open connection to one project. */
export interface Access {
  readonly session: Session;
  readonly project: Project;
  readonly catalog: Catalog;
  /** When the access ends, by our clock, epoch ms; nothing here can renew it. */
  readonly endsAtMs?: number;
}

interface Project {
  readonly id: string;
  readonly name?: string;
}

export interface Entry {
  readonly settings: CloudSettings;
  /** Whether an endpoint must come from the catalog, because the settings do not name it. */
  readonly needsCatalog: (projectId: string) => boolean;
  readonly tools: AccessTools;
  readonly steps: Steps;
  readonly signal?: AbortSignal | undefined;
}

/** Authenticates, and learns project and catalog. Throws a Failure (`cloud`); rejects with the signal's reason. */
export function openAccess(entry: Entry): Promise<Access> {
  const { auth } = entry.settings;
  return auth.type === 'aksk' ? byAccessKey(entry, auth) : byToken(entry, auth);
}

/** Keystone sends project and catalog with the token. */
async function byToken({ settings, tools, steps, signal }: Entry, auth: TokenAuth): Promise<Access> {
  const session = new KeystoneSession(settings.auth_url, auth, tools);
  steps.begin('connection');
  const authenticated = await session.authenticate(signal);
  const refused = (failure: CloudFailure) => notAuthenticated(failure, settings, tools.cloudClock);
  if (authenticated.kind === 'failed' && isNetworkFailure(authenticated.failure))
    throw refused(authenticated.failure);
  steps.done(reached(settings));

  steps.begin('credentials');
  if (authenticated.kind === 'failed') throw refused(authenticated.failure);
  const { project, catalog, lifetimeMs } = authenticated.value;
  const endsAtMs = tools.clock.now() + lifetimeMs;
  const isFinal = auth.type === 'token';
  const renewal = isFinal ? 'cannot be renewed' : 'renewed automatically';
  steps.done(
    `a token, valid until ${isoTime(endsAtMs).slice(0, 16)}Z, for ${formatDuration(lifetimeMs)}; ${renewal}`,
  );

  steps.begin('project');
  if (!project) throw unscopedToken(settings);
  steps.done(described(project));
  steps.begin('catalog');
  steps.done(counted(catalog));
  return { session, project, catalog, ...(isFinal ? { endsAtMs } : {}) };
}

/** Keystone sends nothing with a signature: project and catalog are requested, unless the settings name them. */
async function byAccessKey(
  { settings, needsCatalog, tools, steps, signal }: Entry,
  { key, project: named }: Extract<Auth, { type: 'aksk' }>,
): Promise<Access> {
  const lookUps = new AccountLookUps(settings.auth_url, key, tools);
  const contact = new Contact(settings, tools.cloudClock, steps);
  const open = (project: Project, catalog: Catalog): Access => ({
    session: new SigningSession(key, project.id, tools),
    project,
    catalog,
  });
  const catalogOf = ({ id }: Project) =>
    needsCatalog(id) ? contact.ask('catalog', () => lookUps.catalog(id, signal), counted) : [];

  if (named && 'id' in named) {
    // A file that nobody named may not decide the owner of the project: the owner of the key must see the project.
    if (settings.checkout !== undefined)
      await contact.ask(
        'project',
        () => lookUps.scopes(signal),
        (projects) => {
          const project = projects.find(({ id }) => id === named.id);
          if (!project) throw noProjectOfId(named.id, settings);
          return described(project);
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
  const theOne = (projects: readonly Project[]): Project => {
    const [project] = projects;
    if (!project || projects.length > 1) throw noProject(name, projects.length, settings);
    return project;
  };
  const found = await contact.ask(
    'project',
    () => lookUps.projects(name, signal),
    (projects) => described(theOne(projects)),
  );
  const project = theOne(found);
  return open(project, await catalogOf(project));
}

/** The first signed request also shows whether connection and signature work. */
class Contact {
  readonly #settings: CloudSettings;
  readonly #cloudClock: CloudClock;
  readonly #steps: Steps;
  #isMade = false;

  constructor(settings: CloudSettings, cloudClock: CloudClock, steps: Steps) {
    this.#settings = settings;
    this.#cloudClock = cloudClock;
    this.#steps = steps;
  }

  async ask<T>(
    step: 'project' | 'catalog',
    lookUp: () => Promise<LookUp<T>>,
    said: (value: T) => string,
  ): Promise<T> {
    if (!this.#isMade) this.#steps.begin('connection');
    const looked = await lookUp();
    if (!this.#isMade) this.#make(looked);
    this.#steps.begin(step);
    if (looked.kind === 'failed') throw refusedLookUp(step, looked.failure, this.#settings);
    this.#steps.done(said(looked.value));
    return looked.value;
  }

  #make(looked: LookUp<unknown>): void {
    const failure = looked.kind === 'failed' ? looked.failure : undefined;
    const refused = (why: CloudFailure) => notAuthenticated(why, this.#settings, this.#cloudClock);
    if (failure && isNetworkFailure(failure)) throw refused(failure);
    this.#steps.done(reached(this.#settings));
    this.#steps.begin('credentials');
    if (failure?.status === 401) throw refused(failure);
    this.#steps.done('the signature was accepted');
    this.#isMade = true;
  }
}

function reached(settings: CloudSettings): string {
  return `reached ${canonicalAuthUrl(settings.auth_url)}`;
}

function described({ id, name }: Project): string {
  return name === undefined ? id : `${name} (${id})`;
}

function counted(catalog: Catalog): string {
  const types = [...new Set(catalog.map(({ type }) => type))];
  return types.length === 0 ? 'empty' : `${types.length} services: ${namesText(types)}`;
}
