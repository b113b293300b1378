import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Answer, call } from '../emulator/client.ts';

interface Job {
  readonly volume_id: string;
  readonly backup_id: string;
}

/**
 * A Volume Backup Service in front of the real Cinder: its backups, its restores, and a job for each. With the
 * catalog's `volumev3` for EVS that makes a cloud of real disks and real tokens for the VBS driver.
 */
export class VbsFront {
  readonly jobs = new Map<string, Job>();
  readonly #cinder: URL;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  constructor(cinder: URL) {
    this.#cinder = cinder;
  }

  listen({ hostname, port }: URL): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(Number(port), hostname, resolve);
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { status, text } = await this.#answer(request, body);
    response.writeHead(status, { 'Content-Type': 'application/json', 'X-Request-Id': `vbs-${randomUUID()}` });
    response.end(text);
  }

  async #answer(request: IncomingMessage, body: string): Promise<Pick<Answer, 'status' | 'text'>> {
    const { method = '', url = '' } = request;
    // `/v2/{project}/cloudbackups/{id}/restore`, `/v2/{project}/backups/…`, `/v1/{project}/jobs/{id}`
    const [, , project = '', kind = '', id = ''] = url.split('/');
    const token = String(request.headers['x-auth-token'] ?? '');
    const ask = (path: string, post?: string) =>
      call(new URL(`/v3/${project}/${path}`, this.#cinder).href, {
        method: post === undefined ? 'GET' : 'POST',
        headers: { 'X-Auth-Token': token },
        body: post,
      });
    if (kind === 'jobs') return this.#job(id, ask);
    if (kind === 'cloudbackups' && method === 'POST') return this.#restore(id, body, ask);
    return ask(url.split('/').slice(3).join('/'));
  }

  async #restore(
    backup_id: string,
    body: string,
    ask: (path: string, post: string) => Promise<Answer>,
  ): Promise<Pick<Answer, 'status' | 'text'>> {
    const answer = await ask(`backups/${backup_id}/restore`, body);
    if (answer.status !== 202) return no(answer);
    const job_id = randomUUID().replaceAll('-', '');
    this.jobs.set(job_id, { volume_id: answer.body.restore.volume_id, backup_id });
    return { status: 200, text: JSON.stringify({ job_id }) };
  }

  async #job(
    job_id: string,
    ask: (path: string) => Promise<Answer>,
  ): Promise<Pick<Answer, 'status' | 'text'>> {
    const entities = this.jobs.get(job_id);
    if (!entities) return error(404, 'common.0011', 'Failed to query the task.');
    const answer = await ask(`volumes/${entities.volume_id}`);
    if (answer.status !== 200) return answer;
    const { status: disk } = answer.body.volume;
    const status = disk === 'restoring-backup' ? 'RUNNING' : disk === 'available' ? 'SUCCESS' : 'FAIL';
    return { status: 200, text: JSON.stringify({ job_id, status, entities, sub_jobs: [] }) };
  }
}

/** Cinder's no in the words of VBS. */
function no(answer: Answer): Pick<Answer, 'status' | 'text'> {
  if (answer.status === 401) return answer;
  const message: string = Object.values<{ message?: string }>(answer.body ?? {})[0]?.message ?? '';
  const [, code = 'VolumeBackup.0014'] = CODES.find(([words]) => message.includes(words)) ?? [];
  return error(answer.status, code, message);
}

const CODES: readonly (readonly [words: string, code: string])[] = [
  ['Backup status must be available', 'VolumeBackup.0089'],
  ['Volume to be restored to must be available', 'VolumeBackup.0205'],
  ['is too small', 'VolumeBackup.0209'],
  ['Volume ', 'VolumeBackup.0207'],
  ['Backup ', 'VolumeBackup.0111'],
];

function error(status: number, code: string, message: string): Pick<Answer, 'status' | 'text'> {
  return { status, text: JSON.stringify({ error: { code, message } }) };
}
