/** The answers that faults give instead of the true one. */
import type { BodyShape, FaultAnswer, FaultEffect } from './faults.ts';
import { unreachable } from './unreachable.ts';
import {
  json,
  keystoneError,
  type Reply,
  type ServiceType,
  serviceError,
  unauthorized,
  type WireRequest,
} from './wire.ts';

/** A body in one of the forms that services and gateways answer with. */
export function errorReply(
  shape: BodyShape,
  answer: FaultAnswer,
  service: ServiceType,
  request: WireRequest,
): Reply {
  const { status } = answer;
  const message = answer.message ?? MESSAGES[status] ?? 'The request could not be processed.';
  switch (shape) {
    case 'service':
      return serviceError(service, status, message, answer.code);
    case 'gateway': {
      const code = answer.code ?? (status === 429 ? 'APIGW.0308' : 'APIGW.0201');
      return json(status, { error_code: code, error_msg: message, request_id: request.request_id });
    }
    case 'html': {
      const title = `${status} ${message}`;
      const page = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
      return { status, headers: { 'Content-Type': 'text/html' }, body: page };
    }
    case 'empty':
      return { status, headers: {}, body: '' };
    case 'keystone':
      return status === 401 ? unauthorized(request.base_url) : keystoneError(status, message);
    default:
      return unreachable(shape);
  }
}

const MESSAGES: Record<number, string> = {
  302: 'Found',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  409: 'Conflict',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Time-out',
};

/** A body that does not match the status. */
export function replyWithGarbage(
  reply: Reply,
  how: Extract<FaultEffect, { kind: 'garbage' }>['body'],
  service: ServiceType,
): Reply {
  const { status } = reply;
  switch (how) {
    case 'unreadable':
      return { ...reply, body: `{"job_id": "70a5\u0000, <<` };
    case 'no_job_id':
      return json(status, {});
    case 'error_body':
      return { ...serviceError(service, 500, 'Failed to submit the task.', 'VolumeBackup.0014'), status };
    case 'empty':
      return { ...reply, body: '' };
    default:
      return unreachable(how);
  }
}
