import { type Clock, isoTime } from '../domain/clock.ts';
import type { ApplyEvent } from '../domain/events.ts';
import type { Address } from '../domain/spec.ts';
import { applyLine, type LineOptions, renderLine } from './apply-lines.ts';
import { EventCounter } from './apply-tally.ts';
import type { ApplyView } from './apply-view.ts';
import type { LiveRegion } from './live-region.ts';
import { clip, displayWidth, padEnd, padStart, type Style, sanitize, widestOf } from './terminal.ts';
import { stopwatch, utc } from './words.ts';

interface CommonOptions {
  readonly style: Style;
  readonly clock: Clock;
  /** All addresses of the plan: their width decides where the text begins. */
  readonly addresses: readonly Address[];
}

interface LiveProgressOptions extends CommonOptions {
  readonly region: LiveRegion;
  /** Size of the terminal, read at each redraw. */
  readonly size: () => { readonly columns: number; readonly rows: number };
}

/** A thousand events a second cost ten redraws. */
const FRAME_MS = 100;

/**
 * Progress on a terminal: a permanent line for each event, below them a line for each restore that the run works on,
 * and a counter last. Redraws at most every 100 ms, and each second if there are no events.
 */
export function createLiveProgress({
  style,
  clock,
  addresses,
  region,
  size,
}: LiveProgressOptions): ApplyView {
  const tally = new EventCounter();
  const permanent = permanentLines(addressWidth(addresses));
  const started = clock.monotonic();
  let unprinted = '';
  let dirty = false;
  let shownSecond = -1;

  const draw = () => {
    const now = clock.monotonic();
    const second = Math.floor((now - started) / 1_000);
    if (!dirty && second === shownSecond) return;
    dirty = false;
    shownSecond = second;
    if (unprinted !== '') region.print(unprinted);
    unprinted = '';
    const { columns, rows } = size();
    region.draw(regionLines(tally, now, started, { columns, rows, style }));
  };
  const frames = repeat(clock, () => FRAME_MS, draw);

  return {
    handle(event) {
      tally.update(event, clock.monotonic());
      unprinted += permanent(event, { style, width: size().columns - 1 });
      dirty = true;
    },
    end() {
      if (!frames.stop()) return;
      region.clear();
      if (unprinted !== '') region.print(unprinted);
      unprinted = '';
    },
  };
}

interface PlainProgressOptions extends CommonOptions {
  readonly write: (text: string) => void;
  /** Milliseconds without a line after which the counter is written. */
  readonly heartbeat_ms: number;
}

/** Progress in a log: a line with its time (UTC) for each event, and the counter when there are no events. */
export function createPlainProgress(options: PlainProgressOptions): ApplyView {
  const { style, clock, addresses, write, heartbeat_ms } = options;
  const tally = new EventCounter();
  const permanent = permanentLines(addressWidth(addresses));
  const started = clock.monotonic();
  let lastLine = started;

  const remainingMs = () => lastLine + heartbeat_ms - clock.monotonic();
  const heartbeat = repeat(
    clock,
    () => Math.max(1, remainingMs()),
    () => {
      if (remainingMs() > 0) return;
      const now = clock.monotonic();
      lastLine = now;
      const longest = tally.current
        .slice(0, OLDEST_LISTED_MAX)
        .map(({ address, phase, since_ms }) => `${sanitize(address)} ${phase} ${stopwatch(now - since_ms)}`);
      const text = longest.length === 0 ? '' : `; longest: ${longest.join(', ')}`;
      write(`${utc(isoTime(clock.now()))} · ${tally.counter(now - started)}${text}\n`);
    },
  );

  return {
    handle(event) {
      tally.update(event, clock.monotonic());
      const text = permanent(event, { style, prefix: `${utc(event.at)} ` });
      if (text === '') return;
      lastLine = clock.monotonic();
      write(text);
    },
    end() {
      heartbeat.stop();
    },
  };
}

const OLDEST_LISTED_MAX = 3;

/** A longer address moves only its own text to the right. */
const ADDRESS_WIDTH_MAX = 40;

function addressWidth(addresses: readonly Address[]): number {
  return Math.min(widestOf(addresses.map(sanitize)), ADDRESS_WIDTH_MAX);
}

/**
 * The permanent text of each event. Of consecutive `checking` events of a restore only the first has one: the others
 * only count down the seconds.
 */
function permanentLines(addressWidth: number): (event: ApplyEvent, options: LineOptions) => string {
  const checking = new Set<Address>();
  return (event, options) => {
    if (event.type === 'checking') {
      if (checking.has(event.address)) return '';
      checking.add(event.address);
    } else if ('address' in event && event.type !== 'progress') {
      checking.delete(event.address);
    }
    const line = applyLine(event);
    return line ? renderLine(line, addressWidth, options) : '';
  };
}

interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly style: Style;
}

/** A line for each restore that the run works on, oldest first, as many as fit; then the counter. */
function regionLines(
  tally: EventCounter,
  now: number,
  started: number,
  { columns, rows, style }: Screen,
): string[] {
  // Room for the empty line, the counter, the line of the cursor, and the last printed line.
  const room = Math.max(1, rows - 4);
  const all = tally.current;
  const shown = all.slice(0, all.length <= room ? room : room - 1);
  const width = addressWidth(shown.map(({ address }) => address));
  return [
    '',
    ...shown.map(({ address, phase, note, since_ms }) => {
      const head = `  ${padEnd(clip(sanitize(address), width), width)}  `;
      const middle = padEnd(phase, PHASE_WIDTH);
      const tail = `${padStart(stopwatch(now - since_ms), 7)}  ${note}`;
      const room = columns - 1 - displayWidth(head) - PHASE_WIDTH - 2;
      return `${head}${style.accent(middle)}  ${style.faint(clip(tail, Math.max(7, room)).trimEnd())}`;
    }),
    ...(all.length > shown.length ? [style.faint(`  and ${all.length - shown.length} more under way`)] : []),
    style.strong(clip(tally.counter(now - started), columns - 1)),
  ];
}

/** The longest phase. */
const PHASE_WIDTH = 'restoring'.length;

/** Runs `step` after each delay until stopped; `stop` returns whether it was still running. */
function repeat(clock: Clock, delayMs: () => number, step: () => void): { stop(): boolean } {
  const stopped = new AbortController();
  const loop = async () => {
    while (!stopped.signal.aborted) {
      await clock.sleep(delayMs(), stopped.signal);
      if (!stopped.signal.aborted) step();
    }
  };
  loop().catch((reason: unknown) => {
    if (!stopped.signal.aborted) throw reason;
  });
  return {
    stop() {
      const running = !stopped.signal.aborted;
      stopped.abort();
      return running;
    },
  };
}
