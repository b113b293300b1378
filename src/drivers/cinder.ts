import type { Backup, CloudTraits, Job, Reading, StartOutcome } from '../domain/cloud.ts';
import { anyArray } from '../domain/shape.ts';
import { encodePercent } from '../network/percent.ts';
import type { ServiceRoot } from './auth/catalog.ts';
import { BlockStorageDriver, type DriverTools } from './block-storage-driver.ts';
import { classifyStart } from './cinder-answers.ts';
import { type Message, parseMessage, reasonIn } from './cinder-messages.ts';
import type { FailureReport, Listing, ListOptions, Permit, StartRequest } from './driver.ts';
import { checked } from './fields.ts';

interface CinderTools extends DriverTools {
  readonly cinder: ServiceRoot;
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
export const CINDER_TRAITS: CloudTraits = {
  refusesDuringBackup: false,
  rewritesVolume: true,
  acceptsOnceRestoring: true,
};

/**
 * The backups of OpenStack. Cinder has no jobs. It changes the statuses of volume and backup before it accepts the
 * restore, so a restore has ended if both are at rest after that.
 */
export class CinderDriver extends BlockStorageDriver {
  readonly api = 'cinder';
  readonly traits = CINDER_TRAITS;
  readonly #url: string;
  #backupsVersion: Readonly<Record<string, string>> = BACKUPS_VERSION;

  constructor(tools: CinderTools) {
    const url = `${tools.cinder.url}/v3/${encodePercent(tools.target.project_id)}`;
    super(tools, { volumes: `${url}/volumes`, backups: `${url}/backups`, continueBackupsBy: 'marker' });
    this.#url = url;
  }

  start(permit: Permit, request: StartRequest): Promise<StartOutcome> {
    const url = `${this.#url}/backups/${encodePercent(request.backup_id)}/restore`;
    return this.posts.start(permit, { url, ...request }, (exchange, nowMs) =>
      classifyStart(exchange, request, nowMs),
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

  override backup(id: string, signal?: AbortSignal): Promise<Reading<Backup>> {
    return this.#inSupportedVersion((headers) => super.backup(id, signal, headers));
  }

  override backups(signal?: AbortSignal, options?: ListOptions<Backup>): Promise<Listing<Backup>> {
    return this.#inSupportedVersion((headers) => super.backups(signal, options, headers));
  }

  /** Requests the version of backups that we prefer. If the cloud does not support it, uses the first version from then on. */
  async #inSupportedVersion<R extends Reading<Backup> | Listing<Backup>>(
    request: (headers: Readonly<Record<string, string>>) => Promise<R>,
  ): Promise<R> {
    const version = this.#backupsVersion;
    const result = await request(version);
    if (
      result.kind !== 'unreadable' ||
      result.failure.status !== UNKNOWN_VERSION ||
      version !== BACKUPS_VERSION
    )
      return result;
    this.#backupsVersion = {};
    return request(this.#backupsVersion);
  }

  async failureReason(request_ids: readonly string[], signal?: AbortSignal): Promise<FailureReport> {
    let messages: readonly Message[] = [];
    let isComplete = request_ids.length > 0;
    for (const id of request_ids) {
      const read = (headers: Readonly<Record<string, string>>) =>
        this.client.read(
          `${this.#url}/messages?request_id=${encodePercent(id)}`,
          (body) => checked(body.messages, anyArray, 'messages').map(parseMessage),
          signal,
          { headers, maxBytes: Infinity },
        );
      let reading = await read(RESTORE_MESSAGES_VERSION);
      // An older Cinder may have messages, but none about a failed restore.
      if (reading.kind !== 'found') isComplete = false;
      if (reading.kind === 'unreadable' && reading.failure.status === UNKNOWN_VERSION)
        reading = await read(MESSAGES_VERSION);
      if (reading.kind === 'found') messages = [...messages, ...reading.value];
    }
    const reason = reasonIn(messages, request_ids);
    if (reason !== undefined) return { kind: 'failed', reason };
    return { kind: isComplete ? 'none' : 'unavailable' };
  }
}
