import type { Clock } from '../domain/clock.ts';
import type { ApplyEvent } from '../domain/events.ts';
import type { Address } from '../domain/spec.ts';
import { applyLine, type LineOptions, renderLine } from './apply-lines.ts';
import { Tally, type Underway } from './apply-tally.ts';
import type { ApplyView } from './apply-view.ts';
import type { LiveRegion } from './live-region.ts';
import { clip, displayWidth, padEnd, padStart, type Style, sanitize } from './terminal.ts';
import { stopwatch, utc } from './words.ts';

interface CommonOptions {
  readonly style: Style;
  readonly clock: Clock;
  /** What will be told of: their widest decides where the text begins. */
  readonly addresses: readonly Address[];
}

export interface LiveProgressOptions extends CommonOptions {
  readonly region: LiveRegion;
  /** Of the terminal, asked at every redraw. */
  readonly size: () => { readonly columns: number; readonly rows: number };
}

/** Fast enough to look alive, slow enough that a thousand events a second cost ten redraws. */
const FRAME_MS = 100;

/**
 * Progress on a terminal: what happened stays, what is under way stands below it with a line each, and a
 * counter last. Redraws at most every 100 ms, and each second while nothing happens.
 */
export function createLiveProgress({
  style,
  clock,
  addresses,
  region,
  size,
}: LiveProgressOptions): ApplyView {
  const tally = new Tally();
  const permanent = permanentLines(addressWidth(addresses));
  const started = clock.monotonic();
  let printed = '';
  let dirty = false;
  let shownSecond = -1;

  const draw = () => {
    const now = clock.monotonic();
    const second = Math.floor((now - started) / 1_000);
    if (!dirty && second === shownSecond) return;
    dirty = false;
    shownSecond = second;
    if (printed !== '') region.print(printed);
    printed = '';
    const { columns, rows } = size();
    region.draw(regionLines(tally, now, started, { columns, rows, style }));
  };
  const frames = repeat(clock, () => FRAME_MS, draw);

  return {
    handle(event) {
      tally.take(event, clock.monotonic());
      printed += permanent(event, { style, width: size().columns - 1 });
      dirty = true;
    },
    end() {
      if (!frames.stop()) return;
      region.clear();
      if (printed !== '') region.print(printed);
      printed = '';
    },
  };
}

export interface PlainProgressOptions extends CommonOptions {
  readonly write: (text: string) => void;
  /** A sign of life after so long without a line. */
  readonly heartbeat_ms: number;
}

/** Progress in a log: a line with its time (UTC) for each thing that happened, a sign of life when nothing does. */
export function createPlainProgress(options: PlainProgressOptions): ApplyView {
  const { style, clock, addresses, write, heartbeat_ms } = options;
  const tally = new Tally();
  const permanent = permanentLines(addressWidth(addresses));
  const started = clock.monotonic();
  let lastLine = started;

  const due = () => lastLine + heartbeat_ms - clock.monotonic();
  const beats = repeat(
    clock,
    () => Math.max(1, due()),
    () => {
      if (due() > 0) return;
      const now = clock.monotonic();
      lastLine = now;
      const oldest = [...tally.underway.values()].slice(0, OLDEST_NAMED).map((one) => underwayText(one, now));
      const longest = oldest.length === 0 ? '' : `; longest: ${oldest.join(', ')}`;
      write(`${utc(new Date(clock.now()).toISOString())} · ${tally.counter(now - started)}${longest}\n`);
    },
  );

  return {
    handle(event) {
      tally.take(event, clock.monotonic());
      const text = permanent(event, { style, prefix: `${utc(event.at)} ` });
      if (text === '') return;
      lastLine = clock.monotonic();
      write(text);
    },
    end() {
      beats.stop();
    },
  };
}

const OLDEST_NAMED = 3;

function underwayText({ address, phase, since_ms }: Underway, now: number): string {
  return `${sanitize(address)} ${phase} ${stopwatch(now - since_ms)}`;
}

/** Longer addresses push their text to the right instead of everybody's. */
const ADDRESS_WIDTH_MAX = 40;

function addressWidth(addresses: readonly Address[]): number {
  let widest = 0;
  for (const address of addresses) widest = Math.max(widest, displayWidth(sanitize(address)));
  return Math.min(widest, ADDRESS_WIDTH_MAX);
}

/**
 * The permanent text of each event. While one restore is looked at again and again the first `checking` says it:
 * the reasons that follow count down the seconds.
 */
function permanentLines(addressWidth: number): (event: ApplyEvent, options: LineOptions) => string {
  const waiting = new Set<Address>();
  return (event, options) => {
    if (event.type === 'checking') {
      if (waiting.has(event.address)) return '';
      waiting.add(event.address);
    } else if ('address' in event && event.type !== 'progress') {
      waiting.delete(event.address);
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

/** A line per restore under way, oldest first, as many as fit; then the counter. */
function regionLines(tally: Tally, now: number, started: number, { columns, rows, style }: Screen): string[] {
  // The line below the region is the cursor's; one more keeps the last printed line in sight.
  const room = Math.max(1, rows - 4);
  const all = [...tally.underway.values()];
  const shown = all.slice(0, all.length <= room ? room : room - 1);
  let widest = 0;
  for (const { address } of shown) widest = Math.max(widest, displayWidth(sanitize(address)));
  const width = Math.min(widest, ADDRESS_WIDTH_MAX);
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

/** As long as the longest phase. */
const PHASE_WIDTH = 'restoring'.length;

/** Runs `step` again and again; `stop` says whether it was running. */
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
