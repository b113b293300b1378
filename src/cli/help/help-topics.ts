import { DURATION_EXAMPLES } from '../../domain/duration.ts';
import { EXIT_MEANINGS } from './after-help.ts';

/** The texts of `vbsctl help TOPIC`. */
export const TOPICS: Readonly<Record<string, string>> = {
  'exit-codes': `Exit codes of vbsctl

${Object.entries(EXIT_MEANINGS)
  .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
  .join('\n')}

The exit code covers every declared restore (with --target: the selected ones), also those that the run left out.
If several apply, the first of this list is used: 3, 1 (the state cannot be written), 130, 1 (a restore failed), 5, 6.
Running restores are followed to their end even if everything new is refused.

In a pipeline:

  0             continue
  6             run vbsctl wait, or the same command again
  130           run the same command again
  4             another run holds the lock: add --lock-timeout 10m
  5             read what was refused or left out; nothing of that was started
  3             stop, and resolve it by hand: vbsctl status, vbsctl help recovery
`,
  manifest: `The manifest: what to restore (kind RestoreSet)

  apiVersion: vbsctl.dev/v1
  kind: RestoreSet
  metadata:
    name: payments                        # first half of every address: payments/db-data
    labels: {ticket: CHG-4711}            # optional
  spec:
    valid_until: 2026-11-24T06:00:00+01:00   # optional: restores not done by then never run
    defaults: {timeout: 2h}               # optional; may have a backup: rule for all restores
    restores:
      - name: db-data                     # second half of the address
        volume_id: c96e4a94-927a-425c-8795-63f9964cfebd      # or volume: {name: pay-db-data}
        backup_id: 0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11      # or backup: {as_of: …}, see below
        expect: {volume_name: pay-db-data, server: pay-db1, size: 500}   # a mismatch blocks it
        generation: 1                     # raise it to restore the same backup again
        depends_on: [db-log]              # in this set, or set/name; starts after it has succeeded
        timeout: 2h                       # how long one run waits for its end
        protect: true                     # once done, no other restore into its disk; false lifts it

  backup: {as_of: 2026-11-23T22:00:00+01:00, within: 6h}
                                          # instead of backup_id: the newest backup at or before as_of, at
                                          # most 6h older; as_of: latest is the newest at plan time;
                                          # of_volume: UUID and name: NAME narrow the choice

A time needs a zone (Z or +01:00); a duration is written as ${DURATION_EXAMPLES}.

To write a manifest from the cloud:  vbsctl generate --server NAME --latest > restores.yaml
To check a manifest:                 vbsctl validate -f restores.yaml
For editors:                         schemas/restore-set.schema.json
`,
  config: `The config: the settings of the operator (kind Config), which no manifest can change

  vbsctl init --config      writes a commented vbsctl.yaml with every setting and its default

The config is the file of --config, else of VBSCTL_CONFIG, else the first vbsctl.yaml on the path from the
working directory to the manifests.

  required_version   such as ">=0.1.0 <1.0.0"; other versions refuse to run
  cloud      an entry of clouds.yaml, or emulator; default: OS_CLOUD, else the OS_* variables
             (vbsctl auth show lists the settings, vbsctl auth check tests them)
  api        vbs (default), cinder for any OpenStack, or auto: the one that the catalog has
  manifests  files and directories to read without -f
  state      where the state is stored; keep it and back it up
  apply      parallelism, requests_per_second, max_failures, timeout
  retry      delays between attempts; settle: how long an unanswered request may still take effect
  poll       intervals between reads of a running restore
  http       timeouts of a request, and limits of answers
  policy     limits: max_restores, max_backup_age, protected_volumes, require_labels, require_expect,
             require_valid_until, require_signed_plans, allowed_sets; each has an option that lifts it for one run

Every other vbsctl.yaml near the manifests can only tighten the policy. A config that was found, and not named with --config
or VBSCTL_CONFIG, cannot choose a state outside of its directory, nor a cloud in a CI job or a pod. Its limits and delays
must be at least as strict as the defaults.

Hosts that may receive a token over plain HTTP are set only in the environment: VBSCTL_PLAIN_HTTP_HOSTS.
Options override the config. --state overrides VBSCTL_STATE, which overrides the config.
`,
  recovery: `Recovery: what to do after a run that did not succeed

First:  vbsctl status           lists the restores that are not finished
        vbsctl status ADDRESS   shows one restore, with a text for the support of the cloud

The process was killed or interrupted (130)
  vbsctl apply              run the same command again; it checks the cloud first and starts nothing twice
  vbsctl wait               only waits for running restores; needs no manifests

Still running in the cloud (6)
  vbsctl wait               on this machine, or on another one with the same state

The state is locked (4)
  vbsctl status             shows who holds the lock. While that run lives, wait: --lock-timeout 10m
  vbsctl unlock ID          only if that run is dead; on the same host, the lock of a dead run is removed automatically

An outcome is unknown (3): a request got no clear answer, and the disk does not show whether it was restored
  vbsctl state show ADDRESS   attempts, answers, the disk before and after
  Check the data on the disk, or send the text of vbsctl status ADDRESS to the support of the cloud. Then run one of:
  vbsctl resolve ADDRESS --as succeeded   --reason "…"    the disk holds the backup
  vbsctl resolve ADDRESS --as not-started --reason "…"    nothing happened; apply may start it
  vbsctl resolve ADDRESS --as failed      --reason "…"    the disk may be half written; raise generation to repeat
  not-started reads disk and backup at least twice (poll.min_interval apart, and until retry.settle after the last
  request), and is refused while anything is restoring.

A restore failed (1)
  disk not touched: vbsctl apply tries again
  disk may be touched: raise generation in the manifest, then vbsctl plan

The state could not be written (full disk, missing permissions): nothing new was started
  Make its location writable, then save what it lacks. The file is beside the state, or where stderr says:
  vbsctl state push errored.state.json

The state is refused (5): it was edited, or replaced by an old copy
  vbsctl state verify       shows the changed entry, the contradicting record, or the serial seen before
  vbsctl state push FILE    puts a valid copy back; refuses a copy that is older or lacks records
  vbsctl state accept --reason "…"    only if there is no valid copy: continues with the state; kept in the history

The state was migrated (5), and the new location is not the right one
  vbsctl state migrate --state NEW --to OLD                     migrate it back, with all that was done there
  vbsctl state migrate --undo --allow-lost-work --state OLD     only if the new location is lost

The state is a local file in a CI job or a pod (5)
  Store the state at https://…, s3://… or postgres://…; if the file is kept, name it: --state FILE

The state is lost
  Do not apply with a new state: it would not know what was done. Restore the state file from its backup.
  If there is none, compare vbsctl get volumes with the manifests by hand before you run vbsctl init.
`,
  faults: `Faults: errors that the emulator can inject, to show how a run handles them

An example that ends with an unknown outcome:

  echo '{"rules": [{"match": {"route": "restore"},
    "effect": {"kind": "status", "when": "after", "status": 504, "body": "html"}}]}' > faults.json
  vbsctl emulator --faults faults.json --job-duration 100ms

The first restore starts, its answer is lost, and it ends before the disk is read again: the next vbsctl apply ends
with one unknown outcome (3). Then: vbsctl status, vbsctl resolve. With a longer --job-duration, the run sees the
restore and adopts it.

  rules     a list; the first matching rule is used: name, match, after (requests to let pass; default 0),
            times (how often; default 1, or "always"), effect
  match     route, method, volume_id, backup_id; all given fields must match. Routes:
            token restore job volume volumes backup backups messages servers action discovery unknown
  seeded    random faults, the same for the same seed: {"seed": 7, "rates": {"reset": 0.05, "late_start": 0.02}}

Kinds of effect ("when": "before" or "after" the cloud acts):

  status                 when, status, body (service gateway html empty keystone), code, message, retry_after
  reset, hang            when; hang: for_ms, then the connection is closed
  cut, garbage, huge     a broken answer. garbage: body (unreadable no_job_id error_body empty); huge: bytes
  slow                   delay_ms
  late_start             after_ms: answers with an error, and starts the restore later
  duplicate, late_copy   delivers the request twice; late_copy: after_ms
  token_expiry           the token expires right before it is checked
  restore_fails          code, reason, touched, in_sub_job
  job_vanishes, job_endless, job_unknown_status, job_entities_mismatch
                         after_ms of the first, status of the third

A file with errors is refused with every problem and its position.
`,
};
