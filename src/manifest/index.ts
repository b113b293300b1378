/**
 * Start here: manifests and config, from paths to checked data. `load.ts` finds and reads files, `documents.ts` parses
 * them and keeps source positions, `check-document.ts` validates them against the schemas, `restore-set.ts` and
 * `read-config.ts` turn them into specs and settings, `cross-checks.ts` compares all restores with each other.
 */
export {
  type ConfigSearch,
  checkoutsOf,
  type LoadedConfig,
  loadConfig,
  relativeToConfig,
} from './config-file.ts';
export { manifestPaths } from './default-paths.ts';
export { FOUND_LIMIT } from './found-limits.ts';
export type { LoadIo } from './load.ts';
export { type LoadedManifests, loadManifests } from './manifests.ts';
export { WRONG_VERSION } from './required-version.ts';
