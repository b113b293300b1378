import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { valueAt, where } from './check-document.ts';
import type { SourceDocument } from './documents.ts';

/**
 * What `required_version` says against this vbsctl. Asked before anything else of a config: one that was written
 * for a newer version may hold what this one takes for a mistake. The library is loaded only when the key is there.
 */
export async function wrongVersion(
  document: SourceDocument,
  version: string,
): Promise<Diagnostic | undefined> {
  const range = valueAt(document.value, ['required_version']);
  if (typeof range !== 'string') return undefined;
  const { default: Range } = await import('semver/classes/range.js');
  let wanted: InstanceType<typeof Range>;
  try {
    // `~>` is taken by the library, but means something else than in Terraform
    if (range.includes('~>')) throw new Error('~>');
    wanted = new Range(range.replaceAll(',', ' '), { includePrerelease: true });
  } catch {
    return error('version-range', `required_version ${JSON.stringify(range)} is not a range of versions`, {
      remedy: 'write it like ">=0.1.0 <1.0.0", "^1.2.0" or "~1.2.0"',
      where: where(document, ['required_version']),
    });
  }
  if (wanted.test(version)) return undefined;
  return error(WRONG_VERSION, `this is vbsctl ${version}, and ${range} is required`, {
    remedy: 'install a version that fits; who keeps this file can change required_version',
    where: where(document, ['required_version']),
  });
}

/** The code of a diagnostic that no edit of a manifest mends. */
export const WRONG_VERSION = 'required-version';
