#!/usr/bin/env bash
# Starts bitbudget-worker in a container, on the first work directory of the volume
# that no other container uses: a container that is started again goes on from the
# checkpoints of one before.
set -euo pipefail

readonly volume=/var/lib/bitbudget-worker
for slot in {1..256}; do
  exec {lock}>"$volume/$slot.lock"
  if flock --nonblock "$lock"; then
    exec bitbudget-worker --data /usr/local/share/bitbudget/tokens.bin \
      --work-directory "$volume/$slot" "$@"
  fi
  exec {lock}>&-
done
printf 'error: all 256 work directories of %s are in use\n' "$volume" >&2
exit 1
