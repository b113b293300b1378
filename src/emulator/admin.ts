/**
 * `/__emulator/…`: shows the true state of the world, and changes it. It is not part of any cloud. It needs no token,
 * because the server listens on the loopback address, refuses web pages (`client-check.ts`), and holds only made-up data.
 */
import { auditOf } from './audit.ts';
import { InvalidData } from './check.ts';
import { parseFaultPlan } from './fault-plan.ts';
import { type FaultPlan, planOf, startPlan } from './faults.ts';
import { expireTokens } from './keystone.ts';
import { lookup, type World } from './model.ts';
import { ACTIONS, type OperatorAction, type OperatorContext, parseAction, perform } from './operator.ts';
import { json, parseJson, type Reply, type WireRequest } from './wire.ts';

type AdminContext = OperatorContext & { requests: Record<string, number> };

/** Method and path below `/__emulator/` of each call. */
const CALLS: Readonly<Record<string, (world: World, request: WireRequest, context: AdminContext) => Reply>> =
  {
    'GET audit': (world, _request, { requests }) => json(200, auditOf(world, requests)),
    'GET world': (world) => json(200, withoutSecrets(world)),
    'GET faults': (world) => json(200, world.faults),
    'POST faults': (world, request) => setPlan(world, parseFaultPlan(bodyOf(request))),
    'DELETE faults': (world) => setPlan(world, {}),
    'POST expire-tokens': (world) => {
      expireTokens(world);
      return json(200, { done: true, id: null });
    },
    ...Object.fromEntries(
      ACTIONS.map((action) => [
        `POST ${action}`,
        (world: World, request: WireRequest, context: AdminContext) =>
          operate(world, action, request, context),
      ]),
    ),
  };

/** Answers an admin request on a world that was advanced to the current time. */
export function admin(world: World, name: string, request: WireRequest, context: AdminContext): Reply {
  const key = `${request.method} ${name}`;
  const paths = Object.keys(CALLS);
  if (key === 'GET ') return json(200, { paths });
  const call = lookup(CALLS, key);
  if (call === undefined)
    return json(404, { error: { message: `No such path under /__emulator/. Known: ${paths.join(', ')}` } });
  try {
    return call(world, request, context);
  } catch (error) {
    if (!(error instanceof InvalidData)) throw error;
    return json(400, { error: { message: error.message, problems: error.problems } });
  }
}

function setPlan(world: World, plan: FaultPlan): Reply {
  world.faults = startPlan(plan);
  return json(200, planOf(world.faults));
}

function operate(
  world: World,
  action: OperatorAction['action'],
  request: WireRequest,
  context: OperatorContext,
): Reply {
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
  const { users, tokens, application_credentials, access_keys, ...rest } = world;
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
