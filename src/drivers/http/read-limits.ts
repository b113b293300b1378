import type { HttpSettings } from '../../domain/config.ts';

type ReadLimitSettings = Pick<HttpSettings, 'max_list_pages' | 'max_list_bytes' | 'max_run_bytes'>;

/** Limits the data that reads may receive. A server that sends without end must not use memory or time without end. */
export class ReadLimits {
  readonly #settings: ReadLimitSettings;
  #runBytes = 0;

  constructor(settings: ReadLimitSettings) {
    this.#settings = settings;
  }

  /** Counts the bytes of an answer to a read. */
  count(bytes: number): void {
    this.#runBytes += bytes;
  }

  /** Why this run sends no further reads; undefined while it may. */
  ofRun(): string | undefined {
    const { max_run_bytes } = this.#settings;
    return this.#runBytes < max_run_bytes
      ? undefined
      : `the cloud sent more than ${max_run_bytes} bytes in this run (http.max_run_bytes)`;
  }

  /** Why a list ends after this number of pages and bytes; undefined while it may continue. */
  ofList(key: string, pages: number, bytes: number): string | undefined {
    const { max_list_pages, max_list_bytes } = this.#settings;
    if (pages > max_list_pages)
      return `the list of ${key} has more than ${max_list_pages} pages (http.max_list_pages)`;
    if (bytes > max_list_bytes)
      return `the list of ${key} is larger than ${max_list_bytes} bytes (http.max_list_bytes)`;
    return undefined;
  }
}
