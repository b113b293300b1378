import type { Plan } from '../domain/plan.ts';
import { createApplyJson } from '../views/apply-json.ts';
import { createLiveProgress, createPlainProgress } from '../views/apply-progress.ts';
import type { ApplyView } from '../views/apply-view.ts';
import { createLiveRegion } from '../views/live-region.ts';
import type { Io } from './io.ts';
import { textOptions } from './show.ts';
import { systemClock } from './system.ts';

/** In a log, a sign of life at least this often. */
const HEARTBEAT_MS = 30_000;

/** Live on a terminal, line by line in a log, JSON lines for machines. */
export function applyView(io: Io, output: 'text' | 'json', plan: Plan): ApplyView {
  const write = (text: string) => io.stdout.write(text);
  if (output === 'json') return createApplyJson(write);
  const { style } = textOptions(io);
  const common = { style, clock: systemClock, addresses: plan.actions.map((action) => action.address) };
  if (!io.stdout.isTty || io.env.TERM === 'dumb')
    return createPlainProgress({ ...common, write, heartbeat_ms: HEARTBEAT_MS });
  return createLiveProgress({
    ...common,
    region: createLiveRegion(io.stdout.stream),
    size: () => ({ columns: io.stdout.columns, rows: io.stdout.rows }),
  });
}
