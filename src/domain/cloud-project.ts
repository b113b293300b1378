import { type Diagnostic, error, MultilineText } from './diagnostic.ts';
import { sanitize } from './escape/terminal.ts';

/** The cloud project of a state. Restores done in one project never count as done in another. */
export interface CloudProject {
  readonly auth_url: string;
  readonly region: string;
  readonly project_id: string;
  /** For display only; projects are compared by their ids. */
  readonly project_name?: string;
}

export function sameProject(a: CloudProject, b: CloudProject): boolean {
  return (
    canonicalAuthUrl(a.auth_url) === canonicalAuthUrl(b.auth_url) &&
    a.region === b.region &&
    a.project_id === b.project_id
  );
}

/** On one line, whatever cloud or state contain. */
export function projectText(target: CloudProject): string {
  const project = target.project_name ? `${target.project_name} (${target.project_id})` : target.project_id;
  return sanitize(`project ${project}, region ${target.region}, ${target.auth_url}`);
}

/** The error for credentials of another project than that of a plan or state. */
export function otherProjectProblem(
  code: string,
  what: 'plan' | 'state',
  own: CloudProject,
  credentials: CloudProject,
  remedy: string,
): Diagnostic {
  const made = what === 'plan' ? 'was made for' : 'belongs to';
  return error(code, `the ${what} ${made} a different cloud project than the credentials`, {
    detail: new MultilineText(
      `The ${what}: ${projectText(own)}`,
      `The credentials: ${projectText(credentials)}`,
    ),
    remedy,
  });
}

/** `https://iam.example/v3/`, `https://IAM.example/v3` and `https://iam.example` name the same Keystone. */
export function canonicalAuthUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const text = parsed ? `${parsed.protocol}//${parsed.host}${parsed.pathname}` : url;
  return text.replace(/\/+$/, '').replace(/\/v3$/, '').replace(/\/+$/, '');
}

/** Prefix of the auth URL in a state that `--cloud emulator` created. */
export const EMULATOR_AUTH_URL = 'emulator:';

export function isEmulator({ auth_url }: CloudProject): boolean {
  return auth_url.startsWith(EMULATOR_AUTH_URL);
}
