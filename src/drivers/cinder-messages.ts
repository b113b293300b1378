import { plainText } from '../network/plain-text.ts';
import { object, optionalText, text } from './fields.ts';

/** What Cinder says to users about requests that it had taken on (`GET /messages`). */
export interface Message {
  readonly request_id: string;
  readonly level: string;
  readonly text: string;
}

/** Throws UnexpectedShape. */
export function parseMessage(value: unknown): Message {
  const message = object(value, 'message');
  return {
    request_id: optionalText(message, 'request_id') ?? '',
    level: optionalText(message, 'message_level') ?? '',
    text: plainText(text(message, 'user_message')),
  };
}

/** The errors of these requests, each once, in one line. */
export function reasonIn(messages: readonly Message[], request_ids: readonly string[]): string | undefined {
  const said = messages
    // A Cinder that does not know the filter tells of every request.
    .filter(({ request_id, level }) => level === 'ERROR' && request_ids.includes(request_id))
    .map((message) => message.text);
  return said.length > 0 ? [...new Set(said)].join('; ') : undefined;
}
