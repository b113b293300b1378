import { expect } from 'chai';
import { LIKE_AN_OPTION, UNPRINTABLE } from '../../src/domain/escape/shell-word.ts';
import type { ApplyEvent, RunSummary } from '../../src/domain/events.ts';
import type { Action } from '../../src/domain/plan.ts';
import { jobIdOf } from '../../src/domain/record.ts';
import { createApplyJson } from '../../src/views/apply-json.ts';
import { applyLine } from '../../src/views/apply-lines.ts';
import { createLiveProgress, createPlainProgress } from '../../src/views/apply-progress.ts';
import { applySummary } from '../../src/views/apply-summary.ts';
import { type ApplyView, combineViews } from '../../src/views/apply-view.ts';
import { createLiveRegion, type LiveRegion } from '../../src/views/live-region.ts';
import { createRunReporter } from '../../src/views/run-report.ts';
import { displayWidth, makeStyle } from '../../src/views/terminal.ts';
import { FakeClock } from './fake-clock.ts';
import { ADDRESSES, adopted, at, intended, RUN, RUN_PLAN, running, runningWithoutJob } from './fixtures.ts';
import { expectGolden } from './golden.ts';

const START = Date.parse('2026-11-24T00:00:08.000Z');

/** A terminal as it looks: what was printed, and the region below it. */
class Screen implements LiveRegion {
  printed = '';
  region: readonly string[] = [];
  draws = 0;

  print(text: string): void {
    this.printed += text;
    this.region = [];
  }

  draw(lines: readonly string[]): void {
    this.region = lines;
    this.draws += 1;
  }

  clear(): void {
    this.region = [];
  }

  text(): string {
    return `${this.printed}${this.region.map((line) => `${line}\n`).join('')}`;
  }
}

function live(clock: FakeClock, screen: Screen, size = { columns: 80, rows: 24 }): ApplyView {
  return createLiveProgress({
    style: makeStyle(false),
    clock,
    addresses: ADDRESSES,
    region: screen,
    size: () => size,
  });
}

/** Plays the recorded events at the times they carry; `look` is called at each of the moments on the way. */
async function replay(
  view: ApplyView,
  clock: FakeClock,
  moments: readonly string[] = [],
  look: (moment: string) => void = () => {},
): Promise<void> {
  const left = [...moments];
  for (const event of RUN) {
    for (let next = left[0]; next !== undefined && Date.parse(next) < Date.parse(event.at); next = left[0]) {
      await clock.advanceTo(Date.parse(next));
      look(next);
      left.shift();
    }
    await clock.advanceTo(Date.parse(event.at));
    view.handle(event);
  }
  view.end();
}

function begun(count: number): ApplyEvent[] {
  const at = '2026-11-24T00:00:08.000Z';
  return [
    { at, type: 'run_started', restores: count, parallelism: count },
    ...Array.from(
      { length: count },
      (_, n): ApplyEvent => ({ at, type: 'preparing', address: `set/disk-${n}`, resumed: false }),
    ),
  ];
}

describe('the progress of an apply', () => {
  it('matches the golden file on a terminal at three moments of a run with faults', async () => {
    const clock = new FakeClock(START);
    const screen = new Screen();
    const looks: string[] = [];
    const moments = ['2026-11-24T00:00:41.500Z', '2026-11-24T00:03:00.000Z', '2026-11-24T00:10:00.000Z'];
    await replay(live(clock, screen), clock, moments, (moment) =>
      looks.push(`===== ${moment}\n${screen.text()}`),
    );
    looks.push(`===== after the end\n${screen.text()}`);
    expectGolden('apply-live', looks.join('\n'));
    expect(clock.sleeping, 'timers left').to.equal(0);
  });

  it('matches the golden file in a log', async () => {
    const clock = new FakeClock(START);
    let log = '';
    const view = createPlainProgress({
      style: makeStyle(false),
      clock,
      addresses: ADDRESSES,
      write: (text) => {
        log += text;
      },
      heartbeat_ms: 60_000,
    });
    await replay(view, clock);
    expectGolden('apply-plain', log);
    expect(clock.sleeping, 'timers left').to.equal(0);
  });

  it('redraws each second while nothing happens, and no more', async () => {
    const clock = new FakeClock(START);
    const screen = new Screen();
    const view = live(clock, screen);
    for (const event of begun(3)) view.handle(event);
    await clock.advanceTo(START + 10_000);
    expect(screen.draws).to.be.within(10, 12);
    expect(screen.region.at(-1)).to.equal('0 of 3 done · 3 running · 00:10');
    view.end();
  });

  it('distinguishes waiting and running restores', async () => {
    const clock = new FakeClock(START);
    const screen = new Screen();
    const view = live(clock, screen);
    const [started, first, second] = begun(2);
    for (const event of [started, first, second]) if (event) view.handle(event);
    const { address } = first as ApplyEvent & { address: string };
    const { address: other } = second as ApplyEvent & { address: string };
    const at = new Date(START).toISOString();
    view.handle({ type: 'waiting', at, address, reason: 'the disk is attached to db1' });
    view.handle({ type: 'progress', at, address: other, note: 'restoring' });
    await clock.advanceTo(START + 10_000);
    expect(screen.region.at(-1)).to.equal('0 of 2 done · 1 running · 1 waiting · 00:10');
    expect(screen.text().match(/restoring/g)).to.have.lengthOf(1);
    view.end();
  });

  it('counts running and begun restores separately', async () => {
    const clock = new FakeClock(START);
    const screen = new Screen();
    const view = live(clock, screen);
    for (const event of begun(2)) view.handle(event);
    const at = new Date(START).toISOString();
    view.handle({ type: 'ended', at, address: 'set/disk-0', end: { kind: 'recorded', record: running } });
    view.handle({ type: 'ended', at, address: 'set/disk-1', end: { kind: 'recorded', record: intended } });
    await clock.advanceTo(START + 100);
    expect(screen.region.at(-1)).to.equal('0 of 2 done · 1 left running · 1 sent (outcome open) · 00:00');
    view.end();
  });

  it('shows what could not be saved, with its job, in a row and in the totals', () => {
    const reporter = createRunReporter();
    const when = new Date(START).toISOString();
    const end = { kind: 'unsaved' as const, record: running };
    reporter.handle({ type: 'ended', at: when, address: running.address, end });
    const zero = { started: 1, adopted: 0, succeeded: 0, failed: 0, unknown: 0, running: 0, intended: 0 };
    const work = { duration_ms: 1_000, requests: 7, slowdowns: 0 };
    const summary = { ...zero, unsaved: 1, not_started: 0, blocked: 0, ...work };
    reporter.handle({ type: 'run_ended', at: when, summary });
    const text = applySummary(reporter.report(), RUN_PLAN, at(120));
    expect(text).to.match(new RegExp(`${running.address} .* running, not saved .* ${jobIdOf(running)}`));
    expect(text).to.include('Apply: 1 not saved.').and.include('the state could not be written any more');
  });

  it('draws a burst of events once', async () => {
    const clock = new FakeClock(START);
    const screen = new Screen();
    const view = live(clock, screen);
    for (const event of begun(1_000)) view.handle(event);
    await clock.advanceTo(START + 100);
    expect(screen.draws).to.equal(1);
    view.end();
  });

  it('fits the terminal, however many restores are running', async () => {
    for (const size of [
      { columns: 40, rows: 10 },
      { columns: 120, rows: 50 },
    ]) {
      const clock = new FakeClock(START);
      const screen = new Screen();
      const view = live(clock, screen, size);
      for (const event of begun(100)) view.handle(event);
      await clock.advanceTo(START + 1_000);
      expect(screen.region.length).to.be.below(size.rows);
      for (const line of screen.region) expect(displayWidth(line)).to.be.below(size.columns);
      expect(screen.region.at(-2)).to.match(/^ {2}and \d+ more under way$/);
      view.end();
    }
  });

  it('prints all held-back lines, and ends only once', () => {
    const screen = new Screen();
    const view = live(new FakeClock(START), screen);
    for (const event of RUN) view.handle(event);
    view.end();
    view.end();
    expect(screen.printed.match(/succeeded/g)).to.have.lengthOf(2);
    expect(screen.region).to.deep.equal([]);
  });
});

describe('the live region of a terminal', () => {
  it('prints above the redrawn part, and leaves the cursor unchanged', () => {
    const written: string[] = [];
    const stream = { columns: 80, rows: 24, write: (text: string) => written.push(text) > 0 };
    const region = createLiveRegion(stream as unknown as NodeJS.WritableStream, (text) => text);
    region.draw(['one', 'two']);
    region.print('for good\n');
    region.draw(['three']);
    region.clear();
    const up = '\u001b[1A';
    const erase = '\u001b[2K';
    const toLeft = '\u001b[G';
    expect(written.join('')).to.equal(
      [
        'one\ntwo\n',
        `${erase}${up}${erase}${up}${erase}${toLeft}`,
        'for good\n',
        'three\n',
        `${erase}${up}${erase}${toLeft}`,
      ].join(''),
    );
  });
});

describe('the summary of an apply', () => {
  const report = () => {
    const reporter = createRunReporter();
    for (const event of RUN) reporter.handle(event);
    return reporter.report();
  };

  it('matches the golden file at 80 columns', () => {
    expectGolden('apply-summary-80', applySummary(report(), RUN_PLAN, at(80)));
  });

  it('matches the golden file at 120 columns', () => {
    expectGolden('apply-summary-120', applySummary(report(), RUN_PLAN, at(120)));
  });

  it('says that the run was interrupted', () => {
    const { summary: _, ...broken } = report();
    expect(applySummary(broken, RUN_PLAN, at(80))).to.contain(
      'Apply stopped early; run it again to resume.\n',
    );
  });

  it('says how to attach disks again, and that a server needs all of them', () => {
    const server = { server_id: 'srv-1', server_name: 'db\x1b[31m1', device: '/dev/vdb' };
    const attached = (names: readonly string[]) => ({
      ...RUN_PLAN,
      actions: RUN_PLAN.actions.map((action) =>
        names.includes(action.address)
          ? ({ ...action, volume: { ...action.volume, attachments: [server] } } as Action)
          : action,
      ),
    });
    const text = (...names: string[]) => applySummary(report(), attached(names), at(120));
    expect(text('payments/data', 'payments/web')).to.match(
      /To attach the restored disks to db\\x1b\[31m1 again:\n( {2}openstack server add volume srv-1 \S+ --device \/dev\/vdb\n){2} {2}openstack server start srv-1\n/,
    );
    expect(text('payments/data', 'payments/app')).to.match(
      /--device \/dev\/vdb\nand start it once it has all its disks \(not restored: payments\/app\):\n {2}openstack server start srv-1\n/,
    );
    expect(text('payments/app')).not.to.contain('openstack server');
  });

  it('knows from the record where a disk comes back to, when the plan saw it detached already', () => {
    const record = { ...adopted, attached_before: [{ server_id: 'srv-9', device: '/dev/vdc' }] };
    const ends = new Map([[adopted.address, { kind: 'recorded' as const, record }]]);
    expect(applySummary({ ends }, RUN_PLAN, at(120))).to.contain(
      `openstack server add volume srv-9 ${adopted.volume_id} --device /dev/vdc\n`,
    );
  });

  it('takes the server from expect where the disk was detached before, and no command from a name', () => {
    const expecting = (server: string) => ({
      ...RUN_PLAN,
      actions: RUN_PLAN.actions.map((action) =>
        action.kind === 'restore' && action.address === 'payments/data'
          ? { ...action, expect: { server } }
          : action,
      ),
    });
    const text = (server: string) => applySummary(report(), expecting(server), at(120));
    expect(text('pay-db1')).to.match(
      /restored disks to pay-db1, which the manifest expects \(vbsctl did not see them there\):\n {2}openstack server add volume pay-db1 \S+\n {2}openstack server start pay-db1\n/,
    );
    for (const evil of ['x; rm -rf ~', '$(id)'])
      expect(text(evil)).to.contain(`openstack server start '${evil}'\n`);
    expect(text('--os-token')).to.contain(`openstack server start ${LIKE_AN_OPTION}\n`);
    expect(text('a\nb')).to.contain(`openstack server start ${UNPRINTABLE}\n`);
  });

  it('names the request in the table where the cloud has no jobs', () => {
    const { address, attempts } = runningWithoutJob;
    const end = { kind: 'recorded' as const, record: runningWithoutJob };
    const text = applySummary({ ends: new Map([[address, end]]) }, { ...RUN_PLAN, actions: [] }, at(120));
    expect(text)
      .to.match(/^RESTORE .* REQUEST\n/)
      .and.contain(attempts[0]?.request_id);
    expect(text).to.not.match(/\bjob\b/i);
  });

  it('distinguishes running restores from those only begun', () => {
    const full = report();
    const summary = { ...(full.summary as RunSummary), succeeded: 0, running: 1, intended: 2, requests: 70 };
    const text = applySummary({ ...full, summary }, RUN_PLAN, at(120));
    expect(text).to.contain('1 still running, 2 sent (outcome open), 3 not started.\n');
    expect(text.replace(/\s+/g, ' ')).to.contain('70 requests, about 14 for each restore');
  });

  it('reports a pause that the cloud asks for, and its effect', () => {
    const told = (more: object) =>
      applyLine({ type: 'slowed_down', at: '', status: 429, pause_ms: 20_000, ...more });
    expect(told({ asked_ms: 20_000 })?.text).to.equal(
      'the cloud asks to wait 20s (HTTP 429): nothing is sent for 20s, then half as much as before',
    );
    expect(told({})?.text).to.contain('the cloud asks to send less (HTTP 429)');
  });

  it('reports how often the cloud asked to slow down', () => {
    const { summary } = report();
    if (!summary) throw new Error('the run has no summary');
    const slowed = { ...report(), summary: { ...summary, slowdowns: 2 } };
    expect(applySummary(slowed, RUN_PLAN, at(120))).to.contain('The cloud asked to slow down 2 times.\n');
    expect(applySummary(report(), RUN_PLAN, at(120))).not.to.contain('slow down');
  });

  it('prints a reason once for hundreds of restores', () => {
    const ends = new Map(
      Array.from({ length: 300 }, (_, n) => [
        `set/disk-${n}`,
        { kind: 'not_started' as const, code: 'halted' as const, reason: 'the run halted' },
      ]),
    );
    const text = applySummary({ ends }, { ...RUN_PLAN, actions: [] }, at(80));
    expect(text).to.contain('- 300 not started: the run halted\n');
    expect(text).to.contain(' and 292 more\n');
    expect(text.match(/the run halted/g)).to.have.lengthOf(1);
  });
});

describe('the JSON lines of an apply', () => {
  it('are one JSON object a line, each with the version', () => {
    let out = '';
    const view = createApplyJson((text) => {
      out += text;
    });
    for (const event of RUN) view.handle(event);
    view.end();
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).to.deep.equal(
      JSON.parse(JSON.stringify(RUN.map((event) => ({ format: 1, ...event })))),
    );
    for (const line of lines) expect(line).to.match(/^\{"format":1,"at":/);
  });
});

describe('several views of an apply', () => {
  it('get the same events', () => {
    const [one, two] = [createRunReporter(), createRunReporter()];
    const view = combineViews(one, two);
    for (const event of RUN) view.handle(event);
    view.end();
    expect(one.report()).to.deep.equal(two.report());
    expect(one.report().ends.size).to.equal(8);
  });
});
