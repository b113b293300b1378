#!/bin/sh
# One restore with curl: $1 disk, $2 backup. The rest is in the environment, as for minimal.mjs.
job=$(curl -s -H "X-Auth-Token: $TOKEN" -H 'Content-Type: application/json' \
  -d "{\"restore\":{\"volume_id\":\"$1\"}}" "$VBS/$2/restore" | sed -n 's/.*"job_id": *"\([^"]*\)".*/\1/p')
[ -n "$job" ] || exit 255
while :; do
  sleep "$POLL_S"
  case $(curl -s -H "X-Auth-Token: $TOKEN" "$JOBS/$job") in
    *'"status":"SUCCESS"'*) exit 0 ;;
    *'"status":"FAIL"'*) exit 255 ;;
  esac
done
