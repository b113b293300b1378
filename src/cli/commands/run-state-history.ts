import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { chosenEntries, type HistoryFilter } from '../../domain/history-filter.ts';
import { stoppably } from '../../domain/long-work.ts';
import { optional } from '../../domain/optional.ts';
import { findBreaks } from '../../state/history-chain.ts';
import { type ChainBreakMark, historyJson, historyText, type ShownEntry } from '../../views/history-text.ts';
import type { Io } from '../io.ts';
import { printJson, textOptions } from '../print.ts';
import { existing, type StateFlags } from './run-state-show.ts';

export interface HistoryFlags extends StateFlags {
  readonly address?: string;
  readonly volume?: string;
  /** Epoch ms. */
  readonly since?: number;
}

/** What was done, oldest first: who, when, from which commit, by which plan, with what outcome. */
export async function history(io: Io, flags: HistoryFlags): Promise<ExitCode> {
  const { state, chain } = await existing(io, flags);
  const filter: HistoryFilter = {
    ...optional('address', flags.address),
    ...optional('volume', flags.volume),
    ...optional('since_ms', flags.since),
  };
  const found = await stoppably(findBreaks(state, chain), io.stop);
  const breaks = new Map(
    found.map(({ index, accepted_by }): [number, ChainBreakMark] => [
      index,
      accepted_by === undefined ? 'standing' : 'accepted',
    ]),
  );
  const chosen = chosenEntries(state.history, filter).flatMap((index): ShownEntry[] => {
    const entry = state.history[index];
    return entry ? [{ entry, hash: chain[index] ?? '', chain_break: breaks.get(index) }] : [];
  });
  if (flags.output === 'json') printJson(io, historyJson(chosen));
  else io.stdout.write(historyText(chosen, state.history.length, textOptions(io)));
  return EXIT.done;
}
