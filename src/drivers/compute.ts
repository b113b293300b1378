import type { Server } from '../domain/cloud.ts';
import { optional } from '../domain/record.ts';
import { object, optionalText, optionalTime, text } from './fields.ts';

/** A server as Nova and ECS describe it. Throws UnexpectedShape. */
export function parseServer(value: unknown): Server {
  const server = object(value, 'server');
  return {
    id: text(server, 'id'),
    name: optionalText(server, 'name') ?? '',
    status: text(server, 'status'),
    ...optional('created_at', optionalTime(server, 'created')),
  };
}
