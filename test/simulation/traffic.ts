import type { Driver } from '../../src/drivers/driver.ts';
import type { Exchange, Http, HttpRequest } from '../../src/drivers/http/exchange.ts';
import type { World } from '../../src/emulator/model.ts';
import type { Scene } from './scene.ts';
import { type Arrival, SimNetwork } from './sim-network.ts';
import type { Op, SimProcess } from './sim-process.ts';

/** What passes between the program and the cloud, seen by the checker. */
export class Traffic {
  readonly network: SimNetwork;
  readonly #scene: Scene;
  readonly #senders = new WeakMap<HttpRequest, SimProcess>();
  readonly #fooled = new WeakSet<SimProcess>();
  readonly #awaited: { readonly volume_id: string; readonly tell: () => void }[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
    this.network = new SimNetwork(scene.world, scene.clock, {
      date: scene.story.date,
      arriving: (arrival) => this.#arriving(arrival),
      served: (arrival, delivery) => {
        const sender = this.#senders.get(arrival.request);
        if (delivery.fault) this.#hit(delivery.fault, arrival, sender);
        scene.look();
      },
    });
  }

  connect(process: SimProcess): Promise<Driver> {
    const { cloud, story, settings, random } = this.#scene;
    return cloud.connect({
      api: story.api,
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
  isFooled(process: SimProcess): boolean {
    return this.#fooled.has(process);
  }

  #networkOf(process: SimProcess): Http {
    return {
      send: (request) => {
        const op: Op = request.method === 'GET' ? 'get' : request.url.includes('/auth/') ? 'token' : 'post';
        return process.io(op, async () => {
          const at = () => this.#scene.clock.monotonic();
          this.#scene.checker.conduct.leaves(process.name, op, at());
          if (op === 'token') this.#scene.checker.conduct.askedForToken(process.name, at());
          const pair = op === 'post' ? pairOf(request) : undefined;
          const sent = pair && this.#scene.checker.sends(process.name, pair);
          this.#senders.set(request, process);
          const exchange: Exchange = process.isRefused(op)
            ? { kind: 'no_connection', message: 'connection refused', code: 'ECONNREFUSED' }
            : this.#mixedUp(request, await this.network.send(request));
          if (sent) this.#scene.checker.came(sent, exchange, at());
          if (exchange.kind === 'answer')
            this.#scene.checker.conduct.answered(process.name, exchange.status, exchange.headers, at());
          if (op === 'get') this.#read(process, request.url, exchange);
          return exchange;
        });
      },
    };
  }

  #arriving(arrival: Arrival): World | undefined {
    this.#scene.advance();
    const { facts, request, request_id } = arrival;
    const sender = this.#senders.get(request);
    if (request.method === 'POST' && facts?.route === 'restore' && sender) {
      const { volume_id, backup_id } = facts;
      if (volume_id !== null && backup_id !== null) {
        const post = { request_id, volume_id, backup_id };
        this.#scene.checker.posted(sender.name, post, this.#scene.clock.monotonic(), this.#scene.clock.now());
        for (const one of this.#awaited.filter((waits) => waits.volume_id === volume_id)) {
          this.#awaited.splice(this.#awaited.indexOf(one), 1);
          one.tell();
        }
      }
    }
    if (request.method !== 'GET' || !facts || this.#scene.quiet) return undefined;
    const older = this.#scene.replicas.older(facts, this.#scene.clock.now());
    if (older) this.#hit('stale', arrival, sender);
    if (older && sender) {
      this.#fooled.add(sender);
      this.#scene.checker.conduct.misled(sender.name);
    }
    return older;
  }

  #hit(fault: string, { facts, request }: Arrival, sender: SimProcess | undefined): void {
    const route = facts?.route ?? '';
    this.#scene.note(`${sender?.name}: ${request.method} ${route} meets ${fault}`);
    if (sender) this.#scene.checker.conduct.trouble(sender.name, this.#scene.clock.monotonic());
    this.#scene.coverage.fault(
      `${request.method === 'POST' && route !== 'token' ? 'POST' : route} ${fault}`,
      {
        ...(facts?.volume_id ? { volume_id: facts.volume_id } : {}),
        ...(facts?.backup_id ? { backup_id: facts.backup_id } : {}),
      },
    );
  }

  #mixedUp(request: HttpRequest, exchange: Exchange): Exchange {
    return this.#scene.quiet ? exchange : this.#scene.mixUps.bend(...aboutOf(request), exchange);
  }

  #read(process: SimProcess, url: string, exchange: Exchange): void {
    const at = this.#scene.clock.monotonic();
    const [, what, id] = /\/(volumes|backups|jobs)\/([^/?]+)$/.exec(url) ?? [];
    if (exchange.kind !== 'answer' || exchange.status !== 200) {
      const status = exchange.kind === 'answer' ? exchange.status : undefined;
      this.#scene.checker.conduct.learntNothing(process.name, id, status, at);
      return;
    }
    if (id === undefined) return;
    if (what === 'jobs') this.#scene.checker.conduct.lookedAtJob(id, exchange.text);
    else this.#scene.checker.looked(process.name, id, exchange.text, at);
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
