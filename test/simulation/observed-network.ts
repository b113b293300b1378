import type { Driver } from '../../src/drivers/driver.ts';
import type { Exchange, Http, HttpRequest } from '../../src/drivers/http/exchange.ts';
import type { World } from '../../src/emulator/model.ts';
import type { Environment } from './environment.ts';
import { type Arrival, SimNetwork } from './sim-network.ts';
import type { Op, SimProcess } from './sim-process.ts';

/** What passes between the program and the cloud, seen by the checker. */
export class ObservedNetwork {
  readonly network: SimNetwork;
  readonly #environment: Environment;
  readonly #senders = new WeakMap<HttpRequest, SimProcess>();
  readonly #staleReaders = new WeakSet<SimProcess>();
  readonly #awaited: { readonly volume_id: string; readonly tell: () => void }[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
    this.network = new SimNetwork(environment.world, environment.clock, {
      date: environment.scenario.date,
      arriving: (arrival) => this.#arriving(arrival),
      served: (arrival, delivery) => {
        const sender = this.#senders.get(arrival.request);
        if (delivery.fault) this.#hit(delivery.fault, arrival, sender);
        environment.look();
      },
    });
  }

  connect(process: SimProcess): Promise<Driver> {
    const { cloud, scenario, settings, random } = this.#environment;
    return cloud.connect({
      api: scenario.api,
      settings,
      clock: process.clock,
      random: () => random.next(),
      network: this.#networkOf(process),
    });
  }

  /** Resolves when the next restore of this disk is asked for. */
  firstRequest(volume_id: string): Promise<void> {
    return new Promise((tell) => this.#awaited.push({ volume_id, tell }));
  }

  /** Whether it was shown an older copy of the cloud. */
  hasReadStale(process: SimProcess): boolean {
    return this.#staleReaders.has(process);
  }

  #networkOf(process: SimProcess): Http {
    return {
      send: (request) => {
        const op: Op = request.method === 'GET' ? 'get' : request.url.includes('/auth/') ? 'token' : 'post';
        return process.io(op, async () => {
          const at = () => this.#environment.clock.monotonic();
          this.#environment.checker.processRules.leaves(process.name, op, at());
          if (op === 'token') this.#environment.checker.processRules.askedForToken(process.name, at());
          const pair = op === 'post' ? pairOf(request) : undefined;
          const sent = pair && this.#environment.checker.sends(process.name, pair);
          this.#senders.set(request, process);
          const exchange: Exchange = process.isRefused(op)
            ? { kind: 'no_connection', message: 'connection refused', code: 'ECONNREFUSED' }
            : this.#withWrongIds(request, await this.network.send(request));
          if (sent) this.#environment.checker.reply(sent, exchange, at());
          if (exchange.kind === 'answer')
            this.#environment.checker.processRules.answered(
              process.name,
              exchange.status,
              exchange.headers,
              at(),
            );
          if (op === 'get') this.#read(process, request.url, exchange);
          return exchange;
        });
      },
    };
  }

  #arriving(arrival: Arrival): World | undefined {
    this.#environment.advance();
    const { facts, request, request_id } = arrival;
    const sender = this.#senders.get(request);
    if (request.method === 'POST' && facts?.route === 'restore' && sender) {
      const { volume_id, backup_id } = facts;
      if (volume_id !== null && backup_id !== null) {
        const post = { request_id, volume_id, backup_id };
        this.#environment.checker.posted(
          sender.name,
          post,
          this.#environment.clock.monotonic(),
          this.#environment.clock.now(),
        );
        for (const one of this.#awaited.filter((waits) => waits.volume_id === volume_id)) {
          this.#awaited.splice(this.#awaited.indexOf(one), 1);
          one.tell();
        }
      }
    }
    if (request.method !== 'GET' || !facts || this.#environment.isFinalPhase) return undefined;
    const older = this.#environment.replicas.older(facts, this.#environment.clock.now());
    if (older) this.#hit('stale', arrival, sender);
    if (older && sender) {
      this.#staleReaders.add(sender);
      this.#environment.checker.processRules.readStale(sender.name);
    }
    return older;
  }

  #hit(fault: string, { facts, request }: Arrival, sender: SimProcess | undefined): void {
    const route = facts?.route ?? '';
    this.#environment.note(`${sender?.name}: ${request.method} ${route} meets ${fault}`);
    if (sender)
      this.#environment.checker.processRules.trouble(sender.name, this.#environment.clock.monotonic());
    this.#environment.coverage.fault(
      `${request.method === 'POST' && route !== 'token' ? 'POST' : route} ${fault}`,
      {
        ...(facts?.volume_id ? { volume_id: facts.volume_id } : {}),
        ...(facts?.backup_id ? { backup_id: facts.backup_id } : {}),
      },
    );
  }

  #withWrongIds(request: HttpRequest, exchange: Exchange): Exchange {
    return this.#environment.isFinalPhase
      ? exchange
      : this.#environment.wrongAnswers.replaceIds(...aboutOf(request), exchange);
  }

  #read(process: SimProcess, url: string, exchange: Exchange): void {
    const at = this.#environment.clock.monotonic();
    const [, what, id] = /\/(volumes|backups|jobs)\/([^/?]+)$/.exec(url) ?? [];
    if (exchange.kind !== 'answer' || exchange.status !== 200) {
      const status = exchange.kind === 'answer' ? exchange.status : undefined;
      this.#environment.checker.processRules.learntNothing(process.name, id, status, at);
      return;
    }
    if (id === undefined) return;
    if (what === 'jobs') this.#environment.checker.processRules.readJob(id, exchange.text);
    else this.#environment.checker.observed(process.name, id, exchange.text, at);
  }
}

/** What a request asks for, and the ids in it. */
function aboutOf(request: HttpRequest): ['restore' | 'volume' | 'backup' | 'unknown', string[]] {
  const pair = pairOf(request);
  if (pair) return ['restore', [pair.volume_id, pair.backup_id]];
  const [, what, id] = /\/(volume|backup)s\/([^/?]+)$/.exec(request.url) ?? [];
  return id === undefined ? ['unknown', []] : [what === 'volume' ? 'volume' : 'backup', [id]];
}

/** What a restore's request is about. */
function pairOf(request: HttpRequest): { volume_id: string; backup_id: string } | undefined {
  const backup_id = /backups\/([^/?]+)\/restore$/.exec(request.url)?.[1];
  const volume_id = request.method === 'POST' ? JSON.parse(request.body).restore?.volume_id : undefined;
  return backup_id !== undefined && typeof volume_id === 'string' ? { volume_id, backup_id } : undefined;
}
