import type {
  Backup,
  CloudTraits,
  Job,
  Reading,
  Server,
  Slowdown,
  StartOutcome,
  Volume,
} from '../domain/cloud.ts';
import type { CloudProject } from '../domain/cloud-project.ts';
import { list } from '../domain/shape.ts';
import { encodePercent } from '../network/percent.ts';
import { ApiClient, type ClientTools } from './api-client.ts';
import type { ServiceRoot } from './auth/catalog.ts';
import { parseBackup, parseVolume, sameId } from './block-storage.ts';
import { classifyStart } from './cinder-answers.ts';
import { type Message, parseMessage, reasonIn } from './cinder-messages.ts';
import { serverList } from './compute.ts';
import type {
  Driver,
  FailureReport,
  Listing,
  ListOptions,
  Permit,
  Reservation,
  StartRequest,
} from './driver.ts';
import { checked } from './fields.ts';
import { RestorePosts } from './restore-posts.ts';

export interface CinderTools extends ClientTools {
  readonly target: CloudProject;
  readonly cinder: ServiceRoot;
  readonly compute?: ServiceRoot;
}

/**
 * Microversions are requested only where they are needed, and no newer than needed. From 3.18 (Ocata) a backup names
 * its project to users who may see the backups of other projects.
 */
const BACKUPS_VERSION = { 'OpenStack-API-Version': 'volume 3.18' };
/** From 3.5 (Ocata) messages can be filtered by request id. */
const MESSAGES_VERSION = { 'OpenStack-API-Version': 'volume 3.5' };
/** A Cinder that knows this version (Wallaby) writes a message for a failed restore; an older one writes none. */
const RESTORE_MESSAGES_VERSION = { 'OpenStack-API-Version': 'volume 3.64' };
/** "Version 3.18 is not supported by the API": the cloud is older than Ocata. */
const UNKNOWN_VERSION = 406;

/**
 * `rewritesVolume`: a restore changes the export of the volume and the metadata of the backup (cinder/backup/manager.py,
 * 21.x).
 */
export const CINDER_TRAITS: CloudTraits = { refusesDuringBackup: false, rewritesVolume: true };

/**
 * The backups of OpenStack. Cinder has no jobs. It changes the statuses of volume and backup before it accepts the
 * restore, so a restore has ended if both are at rest after that.
 */
export class CinderDriver implements Driver {
  readonly api = 'cinder';
  readonly traits = CINDER_TRAITS;
  readonly target: CloudProject;
  readonly servers?: (signal?: AbortSignal) => Promise<Listing<Server>>;
  readonly #tools: CinderTools;
  readonly #client: ApiClient;
  readonly #posts: RestorePosts;
  readonly #url: string;
  #backupsVersion: Readonly<Record<string, string>> = BACKUPS_VERSION;

  constructor(tools: CinderTools) {
    this.#tools = tools;
    this.#client = new ApiClient(tools);
    this.#posts = new RestorePosts(tools);
    this.target = tools.target;
    this.#url = `${tools.cinder.url}/v3/${encodePercent(tools.target.project_id)}`;
    if (tools.compute) {
      const servers = serverList(tools.compute, tools.target.project_id);
      this.servers = (signal) => this.#client.list(servers, signal);
    }
  }

  reserve(signal?: AbortSignal): Promise<Reservation> {
    return this.#posts.reserve(signal);
  }

  start(permit: Permit, request: StartRequest): Promise<StartOutcome> {
    const url = `${this.#url}/backups/${encodePercent(request.backup_id)}/restore`;
    return this.#posts.start(permit, { url, ...request }, (exchange, nowMs) =>
      classifyStart(exchange, request, nowMs),
    );
  }

  volume(id: string, signal?: AbortSignal): Promise<Reading<Volume>> {
    return this.#client.read(
      `${this.#url}/volumes/${encodePercent(id)}`,
      (body) => sameId(parseVolume(body.volume), id),
      signal,
    );
  }

  backup(id: string, signal?: AbortSignal): Promise<Reading<Backup>> {
    return this.#inKnownVersion((headers) =>
      this.#client.read(
        `${this.#url}/backups/${encodePercent(id)}`,
        (body) => sameId(parseBackup(body.backup), id),
        signal,
        { headers },
      ),
    );
  }

  /**
   * Cinder has no jobs: a record with a job was started through another API, and only that API can report its result.
   */
  async job(id: string): Promise<Reading<Job>> {
    return {
      kind: 'unreadable',
      failure: { cause: 'status', message: `Cinder has no jobs; job ${id} is of VBS (api: vbs)` },
      retryable: false,
    };
  }

  volumes(signal?: AbortSignal, options?: ListOptions<Volume>): Promise<Listing<Volume>> {
    return this.#client.list(
      { url: `${this.#url}/volumes/detail`, key: 'volumes', continueBy: 'marker', parse: parseVolume },
      signal,
      options,
    );
  }

  backups(signal?: AbortSignal, options?: ListOptions<Backup>): Promise<Listing<Backup>> {
    return this.#inKnownVersion((headers) =>
      this.#client.list(
        {
          url: `${this.#url}/backups/detail`,
          key: 'backups',
          continueBy: 'marker',
          parse: parseBackup,
          headers,
        },
        signal,
        options,
      ),
    );
  }

  /** If the cloud does not support our version of backups, uses its first version from now on. */
  async #inKnownVersion<R extends Reading<Backup> | Listing<Backup>>(
    ask: (headers: Readonly<Record<string, string>>) => Promise<R>,
  ): Promise<R> {
    const asked = this.#backupsVersion;
    const got = await ask(asked);
    if (got.kind !== 'unreadable' || got.failure.status !== UNKNOWN_VERSION || asked !== BACKUPS_VERSION)
      return got;
    this.#backupsVersion = {};
    return ask(this.#backupsVersion);
  }

  checkListAccess(what: 'volumes' | 'backups', signal?: AbortSignal): Promise<Reading<number>> {
    return this.#client.checkListAccess({ url: `${this.#url}/${what}/detail`, key: what }, signal);
  }

  async failureReason(request_ids: readonly string[], signal?: AbortSignal): Promise<FailureReport> {
    let messages: readonly Message[] = [];
    let asked = request_ids.length > 0;
    for (const id of request_ids) {
      const read = (headers: Readonly<Record<string, string>>) =>
        this.#client.read(
          `${this.#url}/messages?request_id=${encodePercent(id)}`,
          (body) => checked(body.messages, list, 'messages').map(parseMessage),
          signal,
          { headers, maxBytes: Infinity },
        );
      let reading = await read(RESTORE_MESSAGES_VERSION);
      if (reading.kind !== 'found') asked = false;
      if (reading.kind === 'unreadable' && reading.failure.status === UNKNOWN_VERSION)
        reading = await read(MESSAGES_VERSION);
      if (reading.kind === 'found') messages = [...messages, ...reading.value];
    }
    const reason = reasonIn(messages, request_ids);
    if (reason !== undefined) return { kind: 'failed', reason };
    return { kind: asked ? 'none' : 'unavailable' };
  }

  requests(): number {
    return this.#tools.http.sent;
  }

  slowdowns(): number {
    return this.#tools.http.slowdowns;
  }

  onSlowdown(listener: (slowdown: Slowdown) => void): () => void {
    return this.#tools.http.onSlowdown(listener);
  }
}
