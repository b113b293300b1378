/**
 * What is read at most. Manifests come from pull requests: no input may cost unbounded time or memory. 100,000
 * restores take about 18 MB, 1.2 million values and 3 million YAML tokens.
 */
export const LIMITS = {
  /** Of all files together. */
  bytes: 32 * 1024 * 1024,
  files: 10_000,
  /** Of one config; the longest with a reason has some kilobytes. */
  configBytes: 1024 * 1024,
  /** Configs around the manifests of one run. */
  configs: 100,
  /** Levels of directories below one that was named. */
  directoryDepth: 32,
  /** Of all documents together: maps, lists, texts, numbers; an empty document counts as one. */
  values: 2_500_000,
  /** Of all files together. */
  documents: 10_000,
  /** Of all files together; checked before restores are compared with each other or looked up in the cloud. */
  restores: 100_000,
  /** Of one YAML document; its tree is in memory while it is read, some 300 bytes a token. */
  yamlTokens: 4_000_000,
  /** Lines of one YAML document that begin with %. */
  yamlDirectives: 10,
  /** Of one map: labels are at most 64, and no schema has as many keys. An object of millions costs half a minute. */
  keys: 10_000,
  /** Spaces and tabs in a row, of one JSON file. */
  spaces: 100_000,
  /** Backslashes, of one JSON file. */
  escapes: 1_000_000,
  /** Maps and lists within each other. */
  nesting: 64,
  /** Uses of an anchor, in one document. */
  aliases: 100,
  /** Then nothing more is looked for. */
  problems: 1_000,
} as const;

/** What is left of the limits that all files of one run share. */
export interface Allowance {
  values: number;
  documents: number;
}

/** All of it: nothing was read yet. */
export function wholeAllowance(): Allowance {
  return { values: LIMITS.values, documents: LIMITS.documents };
}
