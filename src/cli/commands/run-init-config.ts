import { writeFile } from 'node:fs/promises';
import { DEFAULT_CONFIG } from '../../domain/config.ts';
import { formatDuration } from '../../domain/duration.ts';
import { EXIT, type ExitCode, refused, usage } from '../../domain/errors.ts';
import { shellWord } from '../../domain/escape/shell-word.ts';
import { yamlScalar } from '../../domain/escape/yaml.ts';
import { hasCode, plainReason } from '../../files/system-error.ts';
import { VERSION } from '../../version.ts';
import type { Io } from '../io.ts';
import type { CommonFlags } from '../options/shared.ts';
import { absolute, checkoutPath } from '../user-paths.ts';

const CONFIG_FILE = 'vbsctl.yaml';

/** Writes a config with every setting, its default and its meaning. Never overwrites a file. */
export async function initConfig(io: Io, flags: CommonFlags, file = CONFIG_FILE): Promise<ExitCode> {
  await checkoutPath(io, file, 'vbsctl init --config');
  const path = absolute(io, file);
  try {
    await writeFile(path, configTemplate(flags.cloud), { flag: 'wx' });
  } catch (cause) {
    if (hasCode(cause, 'EEXIST'))
      throw refused(
        'config-exists',
        `${path} already exists and was not changed`,
        'edit it, or move it away first',
      );
    throw usage(
      `${path} cannot be written: ${plainReason(cause)}`,
      'run it in a directory that you may write to',
    );
  }
  io.stdout.write(
    `Wrote ${path}: every setting with its default.\n\nNext: ${file === CONFIG_FILE ? 'vbsctl init' : `vbsctl init --config ${shellWord(file)}`}, which creates the state; then vbsctl get servers\n`,
  );
  return EXIT.done;
}

/** The values behind a `#` are the defaults; a test compares them with `DEFAULT_CONFIG`. */
export function configTemplate(cloud: string | undefined): string {
  const { api, apply, retry, poll, http } = DEFAULT_CONFIG;
  const ms = formatDuration;
  return `# The operator's settings of vbsctl: named by --config or VBSCTL_CONFIG, else found in the working directory.
# Lines behind a # show the defaults. Manifests cannot change any of this. No secret belongs in here.
# Found and not named, it can be as strict as the defaults or stricter; anything else is refused (docs/pull-requests.md).
apiVersion: vbsctl.dev/v1
kind: Config

# Any other vbsctl refuses to work with this file.
# required_version: ">=${VERSION}"

# An entry of clouds.yaml, or emulator (a cloud to try things out). Without: OS_CLOUD, else the OS_* variables.
${cloud === undefined ? '# cloud: otc-prod' : `cloud: ${yamlScalar(cloud)}`}

# The API to restore with: vbs, cinder (any OpenStack), or auto: the one that the catalog has.
# api: ${api}

# Read when no -f is given: files and directories, relative to this file.
manifests: [restores.yaml]

# The record of what was done. Keep it and back it up: without it, vbsctl would run every declared restore again.
# A file, or https://…, s3://bucket/key, postgres://… (docs/state.md); never with a password in it. Where a pull request can
# write this file, a URL counts only when the file is named: --config or VBSCTL_CONFIG.
state: vbsctl.state.json

# apply:
#   parallelism: ${apply.parallelism}          # restores under way at the same time
#   requests_per_second: ${apply.requests_per_second}
#   max_failures: ${apply.max_failures}          # then nothing new starts; 0: no limit
#   timeout: ${ms(apply.timeout_ms)}              # how long one run follows a restore
# retry:
#   settle: ${ms(retry.settle_ms)}               # how long an unanswered request may still take effect
#   after_ambiguous: ${retry.after_ambiguous}   # or stop: then a person decides
#   give_up_after: ${ms(retry.give_up_after_ms)}
#   min_delay: ${ms(retry.min_delay_ms)}
#   max_delay: ${ms(retry.max_delay_ms)}
#   max_retry_after: ${ms(retry.max_retry_after_ms)}        # a read that the cloud asks to wait longer fails
# poll:
#   min_interval: ${ms(poll.min_interval_ms)}
#   max_interval: ${ms(poll.max_interval_ms)}
# http:
#   connect_timeout: ${ms(http.connect_timeout_ms)}
#   request_timeout: ${ms(http.request_timeout_ms)}
#   max_response_bytes: ${http.max_response_bytes}   # of one answer
#   max_list_pages: ${http.max_list_pages}          # of one list of disks, backups or servers
#   max_list_bytes: ${http.max_list_bytes}     # all its pages together
#   max_run_bytes: ${http.max_run_bytes}    # all answers to reads of one run
# policy:                    # limits that no manifest can loosen; none by default
#   max_restores: 50
#   max_backup_age: 30d
#   protected_volumes: [prod-*]
#   require_labels: [ticket]
#   require_expect: true
#   require_valid_until: true
#   require_signed_plans: true          # plan --out FILE --sign KEY, apply FILE --trusted-keys DIR
#   allowed_sets: [payments]
`;
}
