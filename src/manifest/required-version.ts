import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { valueAt, where } from './check-document.ts';
import type { SourceDocument } from './documents.ts';

/**
 * Checks `required_version`, before anything else in a config: a config for a newer version may contain what this
 * version reports as a mistake. semver is loaded only if the key is there.
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
    // semver accepts `~>`, but it means something else in Terraform.
    if (range.includes('~>')) throw new Error('~>');
    wanted = new Range(range.replaceAll(',', ' '), { includePrerelease: true });
  } catch {
    return error('version-range', `required_version ${JSON.stringify(range)} is not a version range`, {
      remedy: 'write it like ">=0.1.0 <1.0.0", "^1.2.0" or "~1.2.0"',
      where: where(document, ['required_version']),
    });
  }
  if (wanted.test(version)) return undefined;
  return error(WRONG_VERSION, `this is vbsctl ${version}, and ${range} is required`, {
    remedy: 'install a version in this range, or change required_version',
    where: where(document, ['required_version']),
  });
}

/** The code of this diagnostic, which no edit of a manifest fixes. */
export const WRONG_VERSION = 'required-version';
