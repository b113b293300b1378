import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Failure } from '../domain/errors.ts';
import { looksLikePath } from '../domain/looks-like-path.ts';

/**
 * For an option, variable or setting that names a file. Users sometimes put the content there, usually a secret, and
 * messages would repeat it as a path. A value is a path if it exists, or if its directory is named and exists.
 *
 * @param name the option, variable or setting, for the message: `VBSCTL_CONFIG`
 * @throws Failure `refused`, without the value
 */
export function refuseContent(name: string, value: string, cwd: string): void {
  const directory = dirname(value);
  const isInDirectory = !['.', '/'].includes(directory) && existsSync(resolve(cwd, directory));
  if (looksLikePath(value) || isInDirectory || existsSync(resolve(cwd, value))) return;
  throw Failure.of('refused', 'not-a-path', `${name} does not look like a path; its value is not repeated`, {
    detail: 'A path is expected. If it holds the content of a file, that may be a secret.',
    remedy:
      'keep the content in a file that only you can read, and put the path of that file there; if it is a path, write it with ./ in front',
  });
}
