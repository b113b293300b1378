import type { Plan } from '../domain/plan.ts';
import { createApplyJson } from '../views/apply-json.ts';
import { createLiveProgress, createPlainProgress } from '../views/apply-progress.ts';
import type { ApplyView } from '../views/apply-view.ts';
import type { Io } from './io.ts';
import type { OutputFormat } from './options/shared.ts';
import { textOptions } from './print.ts';
import { systemClock } from './system.ts';

/** In a log, a sign of life at least this often. */
const HEARTBEAT_MS = 30_000;

/** Live on a terminal, line by line in a log, JSON lines for machines. */
export async function applyView(io: Io, output: OutputFormat, plan: Plan): Promise<ApplyView> {
  const write = (text: string) => io.stdout.write(text);
  if (output === 'json') return createApplyJson(write);
  const { style } = textOptions(io);
  const common = { style, clock: systemClock, addresses: plan.actions.map((action) => action.address) };
  if (!io.stdout.isTty || io.env.TERM === 'dumb')
    return createPlainProgress({ ...common, write, heartbeat_ms: HEARTBEAT_MS });
  // Only here: what measures text on a terminal takes as long to begin with as a command's start.
  const { createLiveRegion } = await import('../views/live-region.ts');
  return createLiveProgress({
    ...common,
    region: createLiveRegion(io.stdout.stream, io.stdout.harmless),
    size: () => ({ columns: io.stdout.columns, rows: io.stdout.rows }),
  });
}
