/**
 * The answer table of the design, read a second time: it shares no code with the drivers, and knows only what came
 * over the simulated wire.
 */
export type Reply =
  /** Nothing was written to the wire. */
  | { readonly kind: 'no_connection' }
  /** Something was, and no whole answer came back. */
  | { readonly kind: 'broken' }
  | { readonly kind: 'answer'; readonly status: number; readonly text: string };

/** What the state has to call the attempt. */
export type AnswerClass =
  | 'accepted'
  | 'ambiguous'
  | 'rejected_for_now'
  | 'rejected'
  | 'unauthorized'
  | 'not_sent';

export interface AskedFor {
  readonly api: 'vbs' | 'cinder';
  readonly volume_id: string;
  readonly backup_id: string;
}

/** The service says that it could not, or could not tell: reference, section 7. */
const LOOK_FIRST = /^(common\.0011|VolumeBackup\.(0014|0200|0201))$/;
/** Backup or disk busy, backup of the disk being made. */
const NOT_YET = /^VolumeBackup\.(0089|0205|0206)$/;
/** The same three in the words of Cinder, which has no codes. */
const NOT_YET_WORDS =
  /^(400 Invalid (backup: Backup status|volume: Volume to be restored to) must be available|404 Service cinder-backup could not be found\.)$/;

export function classOf(reply: Reply, asked: AskedFor): AnswerClass {
  if (reply.kind === 'no_connection') return 'not_sent';
  if (reply.kind === 'broken') return 'ambiguous';
  const { status } = reply;
  const body = jsonOf(reply.text);
  if (status === 200 || status === 202) return isPromised(body, asked) ? 'accepted' : 'ambiguous';
  const error = errorIn(body);
  if (asked.api === 'vbs' && error && LOOK_FIRST.test(error.code)) return 'ambiguous';
  if (status === 401) return 'unauthorized';
  if (status === 409 || status === 429 || status === 503) return error ? 'rejected_for_now' : 'ambiguous';
  if (status === 408 || status === 499 || status < 400 || status >= 500) return 'ambiguous';
  const notYet =
    asked.api === 'vbs'
      ? NOT_YET.test(error?.code ?? '')
      : error?.fault === 'overLimit' || NOT_YET_WORDS.test(`${status} ${error?.fault && error.message}`);
  return notYet ? 'rejected_for_now' : 'rejected';
}

type Fields = { readonly [name: string]: unknown };

function isPromised(body: Fields | undefined, { api, volume_id, backup_id }: AskedFor): boolean {
  if (api === 'vbs') return typeof body?.job_id === 'string' && body.job_id !== '';
  const named = fieldsOf(body?.restore);
  return named?.volume_id === volume_id && named.backup_id === backup_id;
}

/** What the service, or the gateway before it, says in its own words; a page of HTML says nothing. */
function errorIn(body: Fields | undefined) {
  if (!body) return undefined;
  const names = Object.keys(body);
  const only = names.length === 1 ? names[0] : undefined;
  const inner = only === undefined ? undefined : fieldsOf(body[only]);
  const code = inner?.code ?? body.error_code ?? body.code;
  const message = inner?.message ?? body.error_msg ?? body.message;
  if (typeof message !== 'string') return undefined;
  const fault = only !== undefined && only !== 'error' ? only : undefined;
  return { code: typeof code === 'string' ? code : '', message, fault };
}

function jsonOf(text: string): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
