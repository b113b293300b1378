import type {
  Backup,
  CloudApi,
  CloudTraits,
  Job,
  Reading,
  Server,
  Slowdown,
  StartOutcome,
  Volume,
} from '../domain/cloud.ts';
import type { CloudProject } from '../domain/cloud-project.ts';
import { encodePercent } from '../network/percent.ts';
import { ApiClient, type ClientTools, type ListRequest } from './api-client.ts';
import type { ServiceRoot } from './auth/catalog.ts';
import { assertSameId, parseBackup, parseVolume } from './block-storage.ts';
import { serverList } from './compute.ts';
import type { Driver, Listing, ListOptions, Permit, Reservation, StartRequest } from './driver.ts';
import type { ThrottledHttp } from './http/throttled-http.ts';
import { RestorePosts } from './restore-posts.ts';

export interface DriverTools extends ClientTools {
  readonly target: CloudProject;
  readonly compute?: ServiceRoot;
}

interface BlockStorageUrls {
  readonly volumes: string;
  readonly backups: string;
  /** How lists of backups continue if their answers have no `next` link. */
  readonly continueBackupsBy: ListRequest<Backup>['continueBy'];
}

/** What the drivers of VBS and Cinder share: volumes, backups, servers, and the budget of the run. */
export abstract class BlockStorageDriver implements Driver {
  abstract readonly api: CloudApi;
  abstract readonly traits: CloudTraits;
  readonly target: CloudProject;
  readonly servers?: (signal?: AbortSignal) => Promise<Listing<Server>>;
  protected readonly client: ApiClient;
  protected readonly posts: RestorePosts;
  readonly #http: ThrottledHttp;
  readonly #urls: BlockStorageUrls;

  constructor(tools: DriverTools, urls: BlockStorageUrls) {
    this.target = tools.target;
    this.client = new ApiClient(tools);
    this.posts = new RestorePosts(tools);
    this.#http = tools.http;
    this.#urls = urls;
    if (tools.compute) {
      const servers = serverList(tools.compute, tools.target.project_id);
      this.servers = (signal) => this.client.list(servers, signal);
    }
  }

  abstract start(permit: Permit, request: StartRequest): Promise<StartOutcome>;
  abstract job(id: string, signal?: AbortSignal): Promise<Reading<Job>>;

  reserve(signal?: AbortSignal): Promise<Reservation> {
    return this.posts.reserve(signal);
  }

  volume(id: string, signal?: AbortSignal): Promise<Reading<Volume>> {
    return this.client.read(
      `${this.#urls.volumes}/${encodePercent(id)}`,
      (body) => assertSameId(parseVolume(body.volume), id),
      signal,
    );
  }

  backup(
    id: string,
    signal?: AbortSignal,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Reading<Backup>> {
    return this.client.read(
      `${this.#urls.backups}/${encodePercent(id)}`,
      (body) => assertSameId(parseBackup(body.backup), id),
      signal,
      { headers },
    );
  }

  volumes(signal?: AbortSignal, options?: ListOptions<Volume>): Promise<Listing<Volume>> {
    return this.client.list(
      { url: `${this.#urls.volumes}/detail`, key: 'volumes', continueBy: 'marker', parse: parseVolume },
      signal,
      options,
    );
  }

  backups(
    signal?: AbortSignal,
    options?: ListOptions<Backup>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Listing<Backup>> {
    const { backups: url, continueBackupsBy: continueBy } = this.#urls;
    return this.client.list(
      { url: `${url}/detail`, key: 'backups', continueBy, parse: parseBackup, headers },
      signal,
      options,
    );
  }

  checkListAccess(what: 'volumes' | 'backups', signal?: AbortSignal): Promise<Reading<number>> {
    return this.client.checkListAccess({ url: `${this.#urls[what]}/detail`, key: what }, signal);
  }

  requests(): number {
    return this.#http.sent;
  }

  slowdowns(): number {
    return this.#http.slowdowns;
  }

  onSlowdown(listener: (slowdown: Slowdown) => void): () => void {
    return this.#http.onSlowdown(listener);
  }
}
