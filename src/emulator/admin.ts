/**
 * `/__emulator/…`: shows the true state of the world, and changes it. It is not part of any cloud. It needs no token,
 * because the server listens on the loopback address, refuses web pages (`client-check.ts`), and holds only made-up data.
 */
import { auditOf } from './audit.ts';
import { InvalidData } from './check.ts';
import { parseFaultPlan } from './fault-plan.ts';
import { planOf, startPlan } from './faults.ts';
import { expireTokens } from './keystone.ts';
import type { World } from './model.ts';
import { ACTIONS, type OperatorContext, parseAction, perform } from './operator.ts';
import { json, parseJson, type Reply, type WireRequest } from './wire.ts';

const PATHS = [
  'GET audit',
  'GET world',
  'GET faults',
  'POST faults',
  'DELETE faults',
  'POST expire-tokens',
  ...ACTIONS.map((action) => `POST ${action}`),
];

/** Answers an admin request on a world that was advanced to the current time. */
export function admin(
  world: World,
  name: string,
  request: WireRequest,
  context: OperatorContext & { requests: Record<string, number> },
): Reply {
  try {
    return act(world, name, request, context);
  } catch (error) {
    if (error instanceof InvalidData) {
      return json(400, { error: { message: error.message, problems: error.problems } });
    }
    throw error;
  }
}

function act(
  world: World,
  name: string,
  request: WireRequest,
  context: OperatorContext & { requests: Record<string, number> },
): Reply {
  const call = `${request.method} ${name}`;
  switch (call) {
    case 'GET ':
      return json(200, { paths: PATHS });
    case 'GET audit':
      return json(200, auditOf(world, context.requests));
    case 'GET world':
      return json(200, withoutSecrets(world));
    case 'GET faults':
      return json(200, world.faults);
    case 'POST faults':
      world.faults = startPlan(parseFaultPlan(bodyOf(request)));
      return json(200, planOf(world.faults));
    case 'DELETE faults':
      world.faults = startPlan({});
      return json(200, planOf(world.faults));
    case 'POST expire-tokens':
      expireTokens(world);
      return json(200, { done: true, id: null });
    default:
      return operate(world, call, request, context);
  }
}

function operate(world: World, call: string, request: WireRequest, context: OperatorContext): Reply {
  const action = ACTIONS.find((known) => call === `POST ${known}`);
  if (action === undefined) {
    return json(404, { error: { message: `No such path under /__emulator/. Known: ${PATHS.join(', ')}` } });
  }
  const result = perform(world, parseAction(action, bodyOf(request)), context);
  if (result.done) return json(200, result);
  return json(result.reason === 'missing' ? 404 : 409, { error: { message: result.message } });
}

function bodyOf(request: WireRequest): unknown {
  const body = parseJson(request.body);
  if (body === undefined) throw new InvalidData('body', ['must be JSON']);
  return body;
}

/**
 * Secrets are not shown, although they are made up: output ends up in logs, and scanners do not know the difference.
 */
function withoutSecrets(world: World): object {
  const { users, tokens, application_credentials, access_keys = {}, ...rest } = world;
  const masked = <T extends object>(items: Record<string, T>, key: string) =>
    Object.values(items).map((item) => ({ ...item, [key]: '***' }));
  return {
    ...rest,
    users: masked(users, 'password'),
    application_credentials: masked(application_credentials, 'secret'),
    access_keys: masked(access_keys, 'secret').map((key) => ({ ...key, security_token: '***' })),
    tokens: Object.values(tokens),
  };
}
