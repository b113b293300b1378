import type { Clock } from '../../src/domain/clock.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import type { Http } from '../../src/drivers/http/exchange.ts';
import { advance, type World } from '../../src/emulator/model.ts';
import { type OperatorAction, perform } from '../../src/emulator/operator.ts';
import type { RunSettings } from '../../src/executor/run.ts';
import { connectDriver } from '../drivers/connect-driver.ts';
import { SimClock } from './sim-clock.ts';
import { SIM_URL } from './sim-network.ts';

/** How the program is connected to the cloud. */
export interface SimConnection {
  readonly api: 'vbs' | 'cinder';
  readonly settings: RunSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly network: Http;
}

/** The cloud of a scenario or of a test: the emulator's model, moved by a clock of its own. */
export class SimCloud {
  readonly clock = new SimClock();
  readonly world: World;
  readonly newId: (kind: string) => string;
  readonly #stepped: (at: number) => void;

  /** `stepped`: called after each change, with its time. */
  constructor(world: World, stepped: (at: number) => void = () => {}) {
    let ids = 0;
    this.world = world;
    this.newId = (kind) => `${kind}-${++ids}`;
    this.#stepped = stepped;
  }

  /** What was due has happened, one thing at a time, so that older copies of the world can be shown. */
  advance(): void {
    const now = this.clock.now();
    for (
      let next = this.world.scheduled_events[0];
      next && next.at_ms <= now;
      next = this.world.scheduled_events[0]
    ) {
      advance(this.world, next.at_ms);
      this.#stepped(next.at_ms);
    }
    this.#stepped(now);
  }

  /** Something that an operator of the cloud, or another client of it, does. */
  operate(action: OperatorAction): void {
    this.advance();
    perform(this.world, action, {
      now_ms: this.clock.now(),
      newId: () => this.newId('op'),
      request_id: 'req-somebody',
    });
    this.#stepped(this.clock.now());
  }

  connect({ api, settings, clock, random, network }: SimConnection): Promise<Driver> {
    const [credential] = Object.values(this.world.users);
    return connectDriver({
      api,
      env: {
        OS_AUTH_URL: `${SIM_URL}/v3`,
        OS_USERNAME: credential?.name,
        OS_PASSWORD: credential?.password,
        OS_PROJECT_NAME: 'payments',
        OS_USER_DOMAIN_NAME: 'Default',
        OS_PROJECT_DOMAIN_NAME: 'Default',
        OS_REGION_NAME: this.world.region,
      },
      cwd: '/',
      home: '/',
      http: settings.http,
      retry: settings.retry,
      requestsPerSecond: settings.apply.requests_per_second,
      clock,
      random,
      version: 'test',
      network,
    });
  }
}
