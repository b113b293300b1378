/**
 * Start here: manifests and config, from paths to checked data. `load.ts` finds and reads files,
 * `documents.ts` turns text into data that knows its place, `check.ts` holds it against the schemas,
 * `restore-set.ts` and `config.ts` turn it into what the program works with, `cross-checks.ts` looks at all
 * restores together.
 */
export {
  besideConfig,
  type ConfigSearch,
  checkoutsOf,
  type LoadedConfig,
  loadConfig,
} from './config-file.ts';
export { manifestPaths } from './default-paths.ts';
export { FOUND_LIMIT } from './found-limits.ts';
export type { LoadIo } from './load.ts';
export { type LoadedManifests, loadManifests } from './manifests.ts';
export { WRONG_VERSION } from './required-version.ts';
