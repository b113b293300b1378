import { InvalidArgumentError, Option } from 'commander';
import { type MinimumState, parseMinimum } from '../../domain/minimum-state.ts';
import { WAIVERS, type Waiver } from '../../domain/policy.ts';
import { PUSH_RISKS } from '../../domain/push-risks.ts';
import type { PushRisk } from '../../domain/state.ts';
import { duration, file, option, repeatable, type ValueType } from './option.ts';

/** Options that several commands share, and their values. */

export interface CommonFlags {
  readonly config?: string;
  readonly state?: string;
  readonly cloud?: string;
  readonly minimumSerial?: MinimumState;
}

export interface ManifestFlags extends CommonFlags {
  readonly filename?: readonly string[];
}

/** With the names that commander makes of `--allow-old-backups`. */
export type WaiverFlags = { readonly [flag in `allow${string}`]?: boolean };

export const config = option('--config <file>', 'config file of the operator', {
  type: file,
  otherwise: '$VBSCTL_CONFIG, else vbsctl.yaml',
});

export const state = option('--state <location>', 'where the state is stored', {
  type: file,
  otherwise: '$VBSCTL_STATE, else state of the config, else vbsctl.state.json',
});

export const cloud = option('--cloud <name>', 'an entry of clouds.yaml, or emulator', {
  type: { completes: 'clouds' },
  otherwise: 'cloud of the config, else $OS_CLOUD, else the $OS_* variables',
});

export const filename = option('-f, --filename <path>', 'manifest file or directory, or - for stdin', {
  type: { ...repeatable, completes: 'files' },
  otherwise: 'manifests of the config, else restores.yaml, else restores/',
});

export const target = option('--target <address>', 'only this restore (set/name) and what it depends on', {
  type: { ...repeatable, completes: 'addresses' },
});

const serialAndHash: ValueType = {
  takes: 'SERIAL or SERIAL:HASH, as apply prints them',
  parse(text) {
    const minimum = parseMinimum(text);
    if (!minimum) throw new InvalidArgumentError('Expected a whole number, or SERIAL:HASH.');
    return minimum;
  },
};

export const minimumSerial = option(
  '--minimum-serial <serial>',
  'refuse a state with a lower serial, or without this hash',
  {
    type: serialAndHash,
    otherwise: '$VBSCTL_MINIMUM_SERIAL',
  },
);

export const lockTimeout = option('--lock-timeout <duration>', 'how long to wait for the lock of the state', {
  type: duration,
  default: '0s',
});

export const OUTPUT_FORMATS = ['text', 'json'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export const output = option('-o, --output <format>', 'output format', {
  choices: OUTPUT_FORMATS,
  default: 'text',
});

/** For commands that print JSON while they work: one object a line, also of an error. */
export const outputLines = option('-o, --output <format>', 'output format; json is one object a line', {
  choices: OUTPUT_FORMATS,
  default: 'text',
});

export const autoApprove = option('--auto-approve', 'do not ask for confirmation');

export const trustedKeys = option(
  '--trusted-keys <dir>',
  'accept only a plan signed by one of the public keys in this directory',
  { type: file, otherwise: '$VBSCTL_TRUSTED_KEYS' },
);

/** For commands that change the state itself. */
export const editing: readonly Option[] = [
  config,
  state,
  option('--dry-run', 'show what would change, and change nothing'),
  option('--backup <file>', 'where to save the state as it was', {
    type: file,
    otherwise: 'beside the state, else in the working directory',
  }),
  lockTimeout,
  minimumSerial,
];

export const RISKS_GROUP = 'Risks to accept, one option each:';

export const pushRisks: readonly Option[] = Object.entries(PUSH_RISKS).map(([risk, what]) =>
  option(`--allow-${risk}`, what, { group: RISKS_GROUP }),
);

/** One option for each limit: a single `--force` would lift limits that the operator does not think of. */
export const waivers: readonly Option[] = Object.entries(WAIVERS).map(([waiver, what]) =>
  option(`--allow-${waiver}`, what, { group: 'Limits to lift for this run (kept in the history):' }),
);

/** For commands that plan. */
export const planning: readonly Option[] = [
  filename,
  config,
  state,
  cloud,
  minimumSerial,
  target,
  ...waivers,
];

export function waiversOf(flags: WaiverFlags): Waiver[] {
  return allowed(WAIVERS, flags);
}

export function acceptedPushRisks(flags: object): PushRisk[] {
  return allowed(PUSH_RISKS, flags);
}

/** The keys of `texts` whose option `--allow-…` is given. */
function allowed<Key extends string>(texts: Readonly<Record<Key, string>>, flags: object): Key[] {
  const given = new Map(Object.entries(flags));
  return (Object.keys(texts) as Key[]).filter(
    (key) => given.get(new Option(`--allow-${key}`).attributeName()) === true,
  );
}
