/**
 * Limits for input. Manifests come from pull requests, so no input may take unbounded time or memory. 100,000 restores
 * take about 18 MB, 1.2 million values and 3 million YAML tokens.
 */
export const LIMITS = {
  /** Bytes of all files together. */
  bytes: 32 * 1024 * 1024,
  files: 10_000,
  /** Bytes of one config; realistic ones have a few kilobytes. */
  configBytes: 1024 * 1024,
  /** Configs around the manifests of one run. */
  configs: 100,
  /** Levels of directories below a named one. */
  directoryDepth: 32,
  /** Maps, lists, texts and numbers of all documents together; an empty document counts as one. */
  values: 2_500_000,
  /** Documents of all files together. */
  documents: 10_000,
  /** Restores of all files together; checked before they are compared or looked up in the cloud. */
  restores: 100_000,
  /** Tokens of one YAML document. Its tree takes about 300 bytes a token while it is read. */
  yamlTokens: 4_000_000,
  /** Lines of one YAML document that begin with %. */
  yamlDirectives: 10,
  /**
   * Keys of one map: labels are at most 64, and no schema has as many keys. An object with millions of keys takes half
   * a minute.
   */
  keys: 10_000,
  /** Consecutive spaces and tabs of a JSON file. */
  spaces: 100_000,
  /** Backslashes of a JSON file. */
  escapes: 1_000_000,
  /** Levels of maps and lists. */
  nesting: 64,
  /** Aliases of one document. */
  aliases: 100,
  /** Problems that are reported; then checking stops. */
  problems: 1_000,
} as const;

/** What is left of the limits for all files of one run. */
export interface Allowance {
  values: number;
  documents: number;
}

export function wholeAllowance(): Allowance {
  return { values: LIMITS.values, documents: LIMITS.documents };
}
