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
 * On a real terminal. Every text passes `escaped` (the output guard). The cursor stays visible: hiding it would need signal
 * handlers, which belong to the command, and a killed process would leave it hidden.
 */
export function createLiveRegion(
  stream: NodeJS.WritableStream,
  escaped: (text: string) => string,
): LiveRegion {
  const update = createLogUpdate(stream, { showCursor: true });
  return {
    print(text) {
      update.clear();
      stream.write(escaped(text));
    },
    draw: (lines) => update(escaped(lines.join('\n'))),
    clear: () => update.clear(),
  };
}
