import type { CloudFailure } from '../../domain/cloud.ts';
import { unreachable } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import { anyObject, isObject, type JsonObject, jsonOf } from '../../domain/shape.ts';
import { MESSAGE_READ_LENGTH_MAX, messageText, printableText } from '../../network/message-text.ts';
import { NOT_SENT } from '../../network/write-gate.ts';
import { jsonLimitError } from './body-limits.ts';
import type { Answer, Exchange } from './exchange.ts';
import { retryAfterMs } from './retry-after.ts';

/**
 * Translates an exchange that did not succeed into a failure of the domain. Understands the error bodies of all
 * services and gateways.
 */
export function failureOf(exchange: Exchange, nowMs: number): CloudFailure {
  switch (exchange.kind) {
    case 'no_connection':
      return {
        cause: exchange.code === NOT_SENT ? 'held_back' : 'no_connection',
        message: exchange.message,
        code: exchange.code,
      };
    case 'broken':
      return {
        cause: exchange.timeout ? 'timeout' : 'connection_lost',
        message: exchange.message,
        code: exchange.code,
      };
    case 'answer':
      return {
        cause: 'status',
        message: messageText(messageOf(exchange), exchange.secrets),
        status: exchange.status,
        ...optional('code', codeIn(exchange)),
        ...optional('request_id', requestId(exchange)),
        // A date in the answer is compared with the clock of the cloud, if the answer shows it, because ours may be
        // wrong.
        ...optional(
          'retry_after_ms',
          retryAfterMs(exchange.headers['retry-after'], cloudTimeMs(exchange) ?? nowMs),
        ),
      };
    default:
      return unreachable(exchange);
  }
}

/** The failure for an answer that has a status of success but not the promised body. */
export function unreadable(answer: Answer, why: string): CloudFailure {
  return {
    cause: 'unreadable',
    message: messageText(why, answer.secrets),
    status: answer.status,
    ...optional('code', codeIn(answer)),
    ...optional('request_id', requestId(answer)),
  };
}

/** For people. Decisions use the body itself. */
function codeIn(answer: Answer): string | undefined {
  const code = errorBody(answer)?.code;
  return code === undefined ? undefined : messageText(code, answer.secrets, CODE_LENGTH_MAX);
}

/** A body with which a service, or its gateway, refuses a request. */
export interface ErrorBody {
  readonly message: string;
  /**
   * The code of the service (`VolumeBackup.0205`, `APIGW.0308`). A number only repeats the HTTP status and is left out.
   */
  readonly code?: string;
  /** OpenStack's name of the fault (`badRequest`, `itemNotFound`, `overLimit`), used where there is no code. */
  readonly fault?: string;
  readonly request_id?: string;
}

const CODE_LENGTH_MAX = 100;

/** The error in the body of an answer; undefined if the body has no known form (HTML, empty, other JSON). */
export function errorBody(answer: Answer): ErrorBody | undefined {
  const body = parseObject(answer.text);
  if (!body) return undefined;
  if (isObject(body.error)) return errorFields(body.error);
  if ('error_code' in body || 'error_msg' in body)
    return errorFields({ code: body.error_code, message: body.error_msg, request_id: body.request_id });
  const [[fault, fields] = [], ...more] = Object.entries(body);
  // {"badRequest": {"code": 400, "message": …}}: the key names the fault; the number distinguishes it from data. Some
  // gateways write it as text.
  if (more.length === 0 && isObject(fields) && /^[1-5]\d\d$/.test(String(fields.code)))
    return errorFields(fields, fault);
  return 'code' in body && 'message' in body ? errorFields(body) : undefined;
}

function errorFields(fields: JsonObject, fault?: string): ErrorBody | undefined {
  const message =
    typeof fields.message === 'string' ? printableText(fields.message, MESSAGE_READ_LENGTH_MAX) : '';
  const isCode = typeof fields.code === 'string' && !(fault !== undefined && /^\d+$/.test(fields.code));
  const code = isCode ? printableText(String(fields.code), CODE_LENGTH_MAX) : '';
  if (message === '' && code === '') return undefined;
  return {
    message,
    ...(code === '' ? {} : { code }),
    ...(fault === undefined ? {} : { fault: printableText(fault, CODE_LENGTH_MAX) }),
    ...(typeof fields.request_id === 'string' ? { request_id: fields.request_id } : {}),
  };
}

function messageOf(answer: Answer): string {
  const redirect = answer.status >= 300 && answer.status < 400 ? answer.headers.location : undefined;
  if (redirect !== undefined) {
    const to = URL.canParse(redirect) ? new URL(redirect).host : 'another address';
    return `redirected to ${to}; redirects are not followed`;
  }
  const error = errorBody(answer);
  if (error) return error.message || (error.code ?? '');
  const text = isHtml(answer) ? htmlTitle(answer.text) : printableText(answer.text, MESSAGE_READ_LENGTH_MAX);
  return text === '' ? `HTTP ${answer.status} without a message` : text;
}

export function isHtml(answer: Answer): boolean {
  return (
    (answer.headers['content-type'] ?? '').toLowerCase().includes('text/html') ||
    /^\s*<(!doctype html|html)\b/i.test(answer.text.slice(0, 200))
  );
}

const HTML_READ_MAX = 10_000;

function htmlTitle(html: string): string {
  // Cut before the search, because the page may be as long as the largest answer.
  const beginning = html.length > HTML_READ_MAX ? `${html.slice(0, HTML_READ_MAX)}…` : html;
  const title = /<title[^>]*>([^<]*)/i.exec(beginning)?.[1] ?? '';
  return printableText(title) || 'an HTML page without a title';
}

/**
 * The request id, which the support of the cloud asks for. Undefined if the header has another form or repeats a
 * secret.
 */
export function requestId(answer: Answer): string | undefined {
  const { headers, secrets } = answer;
  // The id of the service comes first: `X-Request-Id` may be that of the gateway.
  const ids = [
    headers['x-openstack-request-id'],
    headers['x-request-id'],
    headers['x-compute-request-id'],
    errorBody(answer)?.request_id,
  ];
  return ids.find((id) => id !== undefined && REQUEST_ID.test(id) && (secrets?.maskName(id) ?? id) === id);
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** The clock of the cloud, epoch ms. */
export function cloudTimeMs(answer: Answer): number | undefined {
  const time = Date.parse(answer.headers.date ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/** Parses a text as a JSON object. Undefined for everything else, and for a text that is too large to be parsed. */
export function parseObject(text: string): JsonObject | undefined {
  return jsonLimitError(text) === undefined ? jsonOf(text, anyObject) : undefined;
}
