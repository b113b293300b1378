import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { ended, findProgram, freePort, serverFolder, untilReady } from '../servers.ts';

/**
 * Moto (`pip install 'moto[server,s3]'`) or versitygw: both really heed `If-None-Match` and `If-Match`. Named by
 * VBSCTL_TEST_S3_SERVER, else looked for in PATH.
 */
export const S3_SERVER = findProgram('VBSCTL_TEST_S3_SERVER', ['moto_server', 'versitygw']);
export const NO_S3_SERVER = "no S3 server: install moto (pip install 'moto[server,s3]') or versitygw";

export const S3_ENV = {
  AWS_ACCESS_KEY_ID: 'vbsctl-test-access',
  AWS_SECRET_ACCESS_KEY: 'vbsctl-test-secret',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
} as const;
export const BUCKET = 'vbsctl-test';

export class S3Server {
  port = 0;
  #child: ChildProcess | undefined;
  #folder: Awaited<ReturnType<typeof serverFolder>> | undefined;

  async start(): Promise<void> {
    if (S3_SERVER === undefined) throw new Error(NO_S3_SERVER);
    // The SDK in this process looks there, too.
    Object.assign(process.env, S3_ENV);
    this.port ||= await freePort();
    this.#folder ??= await serverFolder();
    const { path } = this.#folder;
    const moto = basename(S3_SERVER) === 'moto_server';
    const args = moto
      ? ['--host', '127.0.0.1', '--port', String(this.port)]
      : ['--port', `127.0.0.1:${this.port}`, 'posix', path];
    const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = S3_ENV;
    const recording = join(path, 'requests');
    const again = moto && existsSync(recording);
    this.#child = spawn(S3_SERVER, args, {
      stdio: 'ignore',
      env: {
        ...process.env,
        ROOT_ACCESS_KEY: key,
        ROOT_SECRET_KEY: secret,
        MOTO_ENABLE_RECORDING: 'true',
        MOTO_RECORDER_FILEPATH: recording,
      },
    });
    if (again) {
      // Moto keeps its objects in memory: it gets them back from the requests that made them, in their order.
      const replay = `http://127.0.0.1:${this.port}/moto-api/recorder/replay-recording`;
      await untilReady(this.#child, () => fetch(replay, { method: 'POST' }));
    }
    const client = new S3Client({
      endpoint: `http://127.0.0.1:${this.port}`,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
    });
    await untilReady(this.#child, async () => {
      await client.send(new CreateBucketCommand({ Bucket: BUCKET })).catch((cause: unknown) => {
        if (!(cause instanceof Error && /^BucketAlready/.test(cause.name))) throw cause;
      });
    });
    client.destroy();
  }

  async stop(): Promise<void> {
    this.#child?.kill();
    if (this.#child) await ended(this.#child);
  }

  async dispose(): Promise<void> {
    await this.stop();
    await this.#folder?.remove();
  }
}
