import { createLogUpdate } from 'log-update';

/** The lowest lines of a terminal, which are redrawn while what is printed stays above them. */
export interface LiveRegion {
  /** Prints for good, above the region. `text` ends with a line break. */
  print(text: string): void;
  /** Replaces what the region shows; no line may be wider than the terminal. */
  draw(lines: readonly string[]): void;
  /** Removes the region from the screen. */
  clear(): void;
}

/**
 * On a real terminal. `harmless`: what every text passes on its way there. The cursor stays visible: hiding it takes hooks on the process's signals, which belong
 * to the command, and a killed process would leave it hidden.
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
