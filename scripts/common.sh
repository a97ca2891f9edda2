# What the scripts share; sourced, not run.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly repository
readonly logs="$repository/build/logs"

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Compilers that may run at once: one a processor, and no more than the memory
# that is free now holds at 1.5 GiB each.
job_count() {
  local processors memory_kib fitting
  processors=$(nproc)
  memory_kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  fitting=$((memory_kib / (1536 * 1024)))
  if ((fitting < 1)); then fitting=1; fi
  say $((processors < fitting ? processors : fitting))
}

# Shows the lines of standard input as progress: one line that changes on a
# terminal, every 40th line elsewhere.
show_progress() {
  if [[ -t 1 ]]; then
    local width line
    width=$(tput cols 2>/dev/null || say 80)
    while IFS= read -r line; do printf '\r\033[K%.*s' $((width - 1)) "$line"; done
    printf '\r\033[K'
  else
    awk 'NR % 40 == 1 {print "  " $0; fflush()}'
  fi
}

# run_logged NAME COMMAND...: runs the command with its output in
# build/logs/NAME.log; shows the end of the log if it fails.
run_logged() {
  local log="$logs/$1.log"
  shift
  mkdir -p "$logs"
  local began=$SECONDS
  if "$@" 2>&1 | tee "$log" | show_progress; then
    say "  done in $((SECONDS - began)) s"
    return
  fi
  tail -n 40 "$log" >&2
  say "  failed after $((SECONDS - began)) s; the whole log: $log" >&2
  return 1
}

# build_preset PRESET TARGETS CMAKE_ARGUMENTS...: configures and builds; TARGETS
# is a list in one word, "all" for everything.
build_preset() {
  local preset=$1 targets=$2
  shift 2
  local names
  read -ra names <<<"$targets"
  say "Configuring preset $preset"
  run_logged "configure-$preset" cmake --preset "$preset" "$@"
  say "Building preset $preset, $(job_count) at once"
  run_logged "build-$preset" \
    cmake --build "$repository/build/$preset" --parallel "$(job_count)" --target "${names[@]}"
}
