import type { CloudTraits, Job, Reading, StartOutcome } from '../domain/cloud.ts';
import { encodePercent } from '../network/percent.ts';
import type { ServiceRoot } from './auth/catalog.ts';
import { BlockStorageDriver, type DriverTools } from './block-storage-driver.ts';
import type { Permit, StartRequest } from './driver.ts';
import { classifyStart } from './vbs-answers.ts';
import { parseJob } from './vbs-job.ts';

interface VbsTools extends DriverTools {
  readonly vbs: ServiceRoot;
  readonly evs: ServiceRoot;
}

/** `refusesDuringBackup`: VolumeBackup.0206. */
export const VBS_TRAITS: CloudTraits = {
  refusesDuringBackup: true,
  rewritesVolume: false,
  acceptsOnceRestoring: false,
};

/** The Volume Backup Service: backups and jobs from VBS, volumes from EVS. */
export class VbsDriver extends BlockStorageDriver {
  readonly api = 'vbs';
  readonly traits = VBS_TRAITS;
  readonly #restoresUrl: string;
  readonly #jobsUrl: string;

  constructor(tools: VbsTools) {
    const { vbs, evs, target } = tools;
    const project = encodePercent(target.project_id);
    super(tools, {
      // EVS has v2 everywhere. A Cinder in its place may have only v3, and then its URL says so.
      volumes: `${evs.url}/${evs.version === 'v3' ? 'v3' : 'v2'}/${project}/volumes`,
      backups: `${vbs.url}/v2/${project}/backups`,
      continueBackupsBy: 'offset',
    });
    this.#restoresUrl = `${vbs.url}/v2/${project}/cloudbackups`;
    // Jobs are in v1, unlike the other resources, which are in v2.
    this.#jobsUrl = `${vbs.url}/v1/${project}/jobs`;
  }

  start(permit: Permit, request: StartRequest): Promise<StartOutcome> {
    const url = `${this.#restoresUrl}/${encodePercent(request.backup_id)}/restore`;
    return this.posts.start(permit, { url, ...request }, classifyStart);
  }

  job(id: string, signal?: AbortSignal): Promise<Reading<Job>> {
    return this.client.read(`${this.#jobsUrl}/${encodePercent(id)}`, (body) => parseJob(id, body), signal);
  }
}
