import { DURATION_EXAMPLES } from '../../domain/duration.ts';
import { EXIT_MEANINGS } from './after-help.ts';

/** `vbsctl help TOPIC`: what no single command’s `--help` can tell. Loaded only when asked for. */
export const TOPICS: Readonly<Record<string, string>> = {
  'exit-codes': `Exit codes of vbsctl

${Object.entries(EXIT_MEANINGS)
  .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
  .join('\n')}

They cover everything declared (with --target: that part), also what the run left out. When several hold: 3 wins
over 1, 1 (the state cannot be written) over 130, 130 over 1 (a restore failed), 1 over 5, 5 over 6. What is under
way is followed to its end also when everything new is refused. In a pipeline:

  0             go on
  6             vbsctl wait (or the same command again), as often as you like
  130           the same command again
  4             another run is at work: add --lock-timeout 10m
  5             read what was refused or left out; nothing of that was started
  3             stop and call a person: vbsctl status, vbsctl help recovery
`,
  manifest: `The manifest: what to restore (kind RestoreSet)

  apiVersion: vbsctl.dev/v1
  kind: RestoreSet
  metadata:
    name: payments                        # first half of every address: payments/db-data
    labels: {ticket: CHG-4711}            # optional
  spec:
    valid_until: 2026-11-24T06:00:00+01:00   # optional: undone by then, it expires and never runs
    defaults: {timeout: 2h}               # optional; may hold a backup: rule for all
    restores:
      - name: db-data                     # second half of the address
        volume_id: c96e4a94-927a-425c-8795-63f9964cfebd      # or volume: {name: pay-db-data}
        backup_id: 0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11      # or backup: {as_of: …}, see below
        expect: {volume_name: pay-db-data, server: pay-db1, size: 500}   # a mismatch blocks it
        generation: 1                     # raise it to ask for the same restore again
        depends_on: [db-log]              # of this set, or set/name; started after it succeeded
        timeout: 2h                       # how long one run follows it
        protect: true                     # once done, nothing is restored into its disk any more

  backup: {as_of: 2026-11-23T22:00:00+01:00, within: 6h}
                                          # in place of backup_id: the newest at or before as_of, at most
                                          # 6h older; as_of: latest is the newest when the plan is made;
                                          # of_volume: UUID and name: NAME narrow it

A time has a zone (Z or +01:00); a duration is ${DURATION_EXAMPLES}.
Write one from what is in the cloud:  vbsctl generate --server NAME --latest > restores.yaml
Check one:                            vbsctl validate -f restores.yaml
For editors: schemas/restore-set.schema.json
`,
  config: `The config: the operator's settings (kind Config), which no manifest can change

  vbsctl init --config      writes a commented vbsctl.yaml, every setting with its default

It is the file that --config names, else VBSCTL_CONFIG, else the first vbsctl.yaml on the way from here to the manifests.

  required_version   such as ">=0.1.0 <1.0.0": other versions refuse
  cloud      an entry of clouds.yaml, or emulator; without: OS_CLOUD, else the OS_* variables
             (vbsctl auth show says what comes from where, vbsctl auth check tries it)
  manifests  read when no -f is given
  state      where the record of what was done is kept: the thing to keep and to back up
  apply      parallelism, requests_per_second, max_failures, timeout
  retry      settle (how long an unanswered request may still take effect), after_ambiguous, …
  poll       how often what is under way is looked at
  http       timeouts of one request; how many bytes and pages answers may bring
  policy     limits: max_restores, max_backup_age, protected_volumes, require_labels, require_expect,
             require_valid_until, require_signed_plans, allowed_sets; each has a flag that lifts it for one run

Any other vbsctl.yaml around the manifests can only tighten the policy.
One that was found and not named chooses no state outside of its directory, and in a CI job or a pod no cloud;
its limits and delays can only be as strict as the defaults, or stricter.

Only the environment, never a file, names hosts that may be sent a token over plain HTTP: VBSCTL_PLAIN_HTTP_HOSTS.
Flags win over the config. --state wins over VBSCTL_STATE, which wins over the config.
`,
  recovery: `When a run did not end well

First:  vbsctl status           what is open, since when
        vbsctl status ADDRESS   all of one, with the text for the cloud's support

The process died, or was interrupted (130)
  vbsctl apply              the same again: it looks first, and starts nothing twice
  vbsctl wait               only follows what is under way; needs no manifests

Still running in the cloud (6)
  vbsctl wait               here, or on another machine with the same state

The state is locked (4)
  vbsctl status             names who holds the lock. While that run lives: wait (--lock-timeout 10m).
  vbsctl unlock ID          only when it is surely dead; on the same host a dead run's lock frees itself

An outcome is unknown (3): a request got no clear answer and the disk does not tell
  vbsctl state show ADDRESS   attempts, answers, the disk before and after
  look at the disk's data, or ask the cloud's support with the text of vbsctl status ADDRESS; then one of
  vbsctl resolve ADDRESS --as succeeded   --reason "…"    the disk holds the backup
  vbsctl resolve ADDRESS --as not-started --reason "…"    nothing happened; apply may start it
  vbsctl resolve ADDRESS --as failed      --reason "…"    half written; raise generation to repeat
  not-started looks twice at least (poll.min_interval apart, and until retry.settle after the last request)
  and is refused while anything is restoring

A restore failed (1)
  disk not touched: vbsctl apply tries again
  disk may be touched: raise generation in the manifest, then vbsctl apply

The state could not be written (full disk, lost rights): nothing new was started
  fix its place, then bring back what it missed; the file lies beside the state, or where stderr says:
  vbsctl state push errored.state.json

The state is refused (5): somebody edited it, or an old copy was put there
  vbsctl state verify       says from which entry on, or which record misfits, or which serial was seen
  vbsctl state push FILE    puts a sound copy back; refuses one that is older or knows less
  vbsctl state accept --reason "…"    only where there is none: goes on with it, kept in the history

The state was moved (5), and the new place is not the right one
  vbsctl state migrate --state NEW --to OLD                     back, with all that was done there
  vbsctl state migrate --undo --allow-lost-work --state OLD     only when the new place is gone for good

Refused as a file on a machine that may not stay (5): a CI job or a pod
  keep the state at https://…, s3://… or postgres://…; if the file does stay: --state FILE

The state is lost
  don't apply with a new one: it would not know what was done. Take the backup of the state file.
  If there is none, compare vbsctl get volumes and the manifests by hand before vbsctl init.
`,
  faults: `Faults of the emulator: what goes wrong, to see how a run takes it

An outcome that nobody can tell, to copy:

  echo '{"rules": [{"match": {"route": "restore"},
    "effect": {"kind": "status", "when": "after", "status": 504, "body": "html"}}]}' > faults.json
  vbsctl emulator --faults faults.json --job-duration 100ms

The first restore starts, its answer is lost at the gateway, and it is over before anybody can look: the next
vbsctl apply ends with one unknown (3). Then: vbsctl status, vbsctl resolve. With a longer --job-duration the same
restore is seen, and adopted.

  rules     each in turn, the first that fits: name, match, after (requests to let pass, 0), times (to hit
            then, 1; or "always"), effect
  match     route, method, volume_id, backup_id; all that are given must fit. Routes:
            token restore job volume volumes backup backups messages servers action discovery unknown
  seeded    by chance, the same for the same seed: {"seed": 7, "rates": {"reset": 0.05, "late_start": 0.02}}

Kinds of effect; "when": "before" the cloud acts, or "after" it:

  status                 when, status, body (service gateway html empty keystone), code, message, retry_after
  reset, hang            when; hang: for_ms, then the connection is dropped
  cut, garbage, huge     a broken answer. garbage: body (unreadable no_job_id error_body empty); huge: bytes
  slow                   delay_ms
  late_start             after_ms: an error now, and the restore starts then
  duplicate, late_copy   the restore is sent twice; late_copy: after_ms
  token_expiry           the token ends right before it is checked
  restore_fails          code, reason, touched, in_sub_job
  job_vanishes, job_endless, job_unknown_status, job_entities_mismatch
                         after_ms of the first, status of the third

A plan that is wrong is refused with every problem and its place.
`,
};
