import { PASSWORD, StateServer, USER } from './http/state-server.ts';
import { HAS_POSTGRES, NO_POSTGRES, PostgresServer } from './postgres/postgres-server.ts';
import { BUCKET, NO_S3_SERVER, S3_ENV, S3_SERVER, S3Server } from './s3/s3-server.ts';
import type { Lease, TrialServer } from './trial.ts';

/** One of each kind that a state may lie on. */

export class HttpTrialServer extends StateServer implements TrialServer {
  readonly name = 'http, as of gitlab';
  readonly freeze = 'person';
  readonly env = { TF_HTTP_USERNAME: USER, TF_HTTP_PASSWORD: PASSWORD };

  constructor() {
    super('gitlab');
  }

  location(port: number, key: string): string {
    return `http://127.0.0.1:${port}/api/v4/projects/7/terraform/state/${key}`;
  }

  write(key: string): RegExp {
    return new RegExp(`^POST [^ ]*/${key}\\?ID=`);
  }

  release(key: string): RegExp {
    return new RegExp(`^DELETE [^ ]*/${key}/lock`);
  }
}

export class S3TrialServer extends S3Server implements TrialServer {
  readonly name = 's3';
  readonly missing = S3_SERVER === undefined ? NO_S3_SERVER : undefined;
  readonly freeze = 'takeover';
  readonly env = S3_ENV;

  location(port: number, key: string, lease: Lease): string {
    const ttl = lease === 'short' ? '&lease_ttl=3s' : '';
    return `s3://${BUCKET}/${key}?endpoint=http://127.0.0.1:${port}&region=us-east-1${ttl}`;
  }

  write(key: string): RegExp {
    return new RegExp(`^PUT /${BUCKET}/${key}[? ]`);
  }

  release(key: string): RegExp {
    return new RegExp(`^DELETE /${BUCKET}/${key}`);
  }
}

export class PostgresTrialServer extends PostgresServer implements TrialServer {
  readonly name = 'postgres';
  readonly missing = HAS_POSTGRES ? undefined : NO_POSTGRES;
  readonly freeze = 'takeover';
  readonly env = {};

  location(port: number, key: string, lease: Lease): string {
    const ttl = lease === 'short' ? '&lease_ttl=3s' : '';
    return `postgres://vbsctl@127.0.0.1:${port}/postgres?state=${key}${ttl}`;
  }

  write(): RegExp {
    return /commit\0/;
  }

  release(): RegExp {
    return /delete from [^ ]+lock/;
  }
}
