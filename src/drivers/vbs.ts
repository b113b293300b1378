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
import { encodePercent } from '../network/percent.ts';
import { ApiClient, type ClientTools } from './api-client.ts';
import type { ServiceRoot } from './auth/catalog.ts';
import { parseBackup, parseVolume, sameId } from './block-storage.ts';
import { serverList } from './compute.ts';
import type { Driver, Listing, ListOptions, Permit, Reservation, StartRequest } from './driver.ts';
import { RestorePosts } from './restore-posts.ts';
import { classifyStart } from './vbs-answers.ts';
import { parseJob } from './vbs-job.ts';

export interface VbsTools extends ClientTools {
  readonly target: CloudProject;
  readonly vbs: ServiceRoot;
  readonly evs: ServiceRoot;
  readonly compute?: ServiceRoot;
}

/** `refusesDuringBackup`: VolumeBackup.0206. */
export const VBS_TRAITS: CloudTraits = { refusesDuringBackup: true, rewritesVolume: false };

/** The Volume Backup Service: backups and jobs from VBS, volumes from EVS. */
export class VbsDriver implements Driver {
  readonly api = 'vbs';
  readonly traits = VBS_TRAITS;
  readonly target: CloudProject;
  readonly servers?: (signal?: AbortSignal) => Promise<Listing<Server>>;
  readonly #tools: VbsTools;
  readonly #client: ApiClient;
  readonly #posts: RestorePosts;
  readonly #backupsUrl: string;
  readonly #restoresUrl: string;
  readonly #jobsUrl: string;
  readonly #volumesUrl: string;

  constructor(tools: VbsTools) {
    this.#tools = tools;
    this.#client = new ApiClient(tools);
    this.#posts = new RestorePosts(tools);
    this.target = tools.target;
    const { vbs, evs, compute } = tools;
    const project = encodePercent(tools.target.project_id);
    this.#backupsUrl = `${vbs.url}/v2/${project}/backups`;
    this.#restoresUrl = `${vbs.url}/v2/${project}/cloudbackups`;
    // Jobs are in v1, unlike the other resources, which are in v2.
    this.#jobsUrl = `${vbs.url}/v1/${project}/jobs`;
    // EVS has v2 everywhere. A Cinder in its place may have only v3, and then its URL says so.
    this.#volumesUrl = `${evs.url}/${evs.version === 'v3' ? 'v3' : 'v2'}/${project}/volumes`;
    if (compute) {
      const servers = serverList(compute, tools.target.project_id);
      this.servers = (signal) => this.#client.list(servers, signal);
    }
  }

  reserve(signal?: AbortSignal): Promise<Reservation> {
    return this.#posts.reserve(signal);
  }

  start(permit: Permit, request: StartRequest): Promise<StartOutcome> {
    const url = `${this.#restoresUrl}/${encodePercent(request.backup_id)}/restore`;
    return this.#posts.start(permit, { url, ...request }, classifyStart);
  }

  volume(id: string, signal?: AbortSignal): Promise<Reading<Volume>> {
    return this.#client.read(
      `${this.#volumesUrl}/${encodePercent(id)}`,
      (body) => sameId(parseVolume(body.volume), id),
      signal,
    );
  }

  backup(id: string, signal?: AbortSignal): Promise<Reading<Backup>> {
    return this.#client.read(
      `${this.#backupsUrl}/${encodePercent(id)}`,
      (body) => sameId(parseBackup(body.backup), id),
      signal,
    );
  }

  job(id: string, signal?: AbortSignal): Promise<Reading<Job>> {
    return this.#client.read(`${this.#jobsUrl}/${encodePercent(id)}`, (body) => parseJob(id, body), signal);
  }

  volumes(signal?: AbortSignal, options?: ListOptions<Volume>): Promise<Listing<Volume>> {
    return this.#client.list(
      { url: `${this.#volumesUrl}/detail`, key: 'volumes', continueBy: 'marker', parse: parseVolume },
      signal,
      options,
    );
  }

  backups(signal?: AbortSignal, options?: ListOptions<Backup>): Promise<Listing<Backup>> {
    return this.#client.list(
      { url: `${this.#backupsUrl}/detail`, key: 'backups', continueBy: 'offset', parse: parseBackup },
      signal,
      options,
    );
  }

  checkListAccess(what: 'volumes' | 'backups', signal?: AbortSignal): Promise<Reading<number>> {
    const url = what === 'volumes' ? this.#volumesUrl : this.#backupsUrl;
    return this.#client.checkListAccess({ url: `${url}/detail`, key: what }, signal);
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
