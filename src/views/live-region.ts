import { createLogUpdate } from 'log-update';

/** The last lines of a terminal, which are redrawn below the permanent text. */
export interface LiveRegion {
  /** Prints permanent text above the region. `text` ends with a line break. */
  print(text: string): void;
  /** Replaces the lines of the region; none may be wider than the terminal. */
  draw(lines: readonly string[]): void;
  /** Removes the region from the screen. */
  clear(): void;
}

/**
 * On a real terminal. Every text passes `harmless` (the output guard). The cursor stays visible: hiding it would need signal
 * handlers, which belong to the command, and a killed process would leave it hidden.
 */
export function createLiveRegion(
  stream: NodeJS.WritableStream,
  harmless: (text: string) => string,
): LiveRegion {
  const update = createLogUpdate(stream, { showCursor: true });
  return {
    print(text) {
      update.clear();
      stream.write(harmless(text));
    },
    draw: (lines) => update(harmless(lines.join('\n'))),
    clear: () => update.clear(),
  };
}
