import { anyObject } from '../domain/shape.ts';
import { printableText } from '../network/message-text.ts';
import { checked, field, nonEmptyText, optionalField, text } from './fields.ts';

/** Messages of Cinder to users about requests that it had accepted (`GET /messages`). */
export interface Message {
  readonly request_id: string;
  readonly level: string;
  readonly text: string;
}

/** Parses one message. Throws UnexpectedShape. */
export function parseMessage(value: unknown): Message {
  const message = checked(value, anyObject, 'message');
  return {
    request_id: optionalField(message, 'request_id', text) ?? '',
    level: optionalField(message, 'message_level', text) ?? '',
    text: printableText(field(message, 'user_message', nonEmptyText)),
  };
}

/** The errors of these requests in one line, without duplicates. */
export function reasonIn(messages: readonly Message[], request_ids: readonly string[]): string | undefined {
  const errors = messages
    // A Cinder that does not know the filter returns the messages of all requests.
    .filter(({ request_id, level }) => level === 'ERROR' && request_ids.includes(request_id))
    .map((message) => message.text);
  return errors.length > 0 ? [...new Set(errors)].join('; ') : undefined;
}
