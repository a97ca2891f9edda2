#!/usr/bin/env bash
# From a bare Debian 12 to answers: installs what is missing, builds, starts a
# server on a fresh database, loads the bundled study and asks it questions; then
# trains a study of its own and watches the answer change.
#
#   scripts/quickstart.sh          stops the server at the end
#   scripts/quickstart.sh --keep   leaves it running and says how to stop it
#
# May be run again at any time; everything it writes is in build/.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

keep=false
case ${1:-} in
  "") ;;
  --keep) keep=true ;;
  *) fail "unknown argument '$1'; known: --keep" ;;
esac

readonly folder=build/quickstart
readonly corpus=build/corpus
readonly study=micro-campaign
readonly runs=data/micro_campaign/experiments.csv
export PATH="$repository/build/release/bin:$PATH"

# Prints what standard input says, between answers.
tell() {
  say
  cat
}

# Shows a command as one would type it, then runs it.
ask() {
  printf '\n$ %s\n' "$*"
  "$@"
}

# The same for a command that the server is meant to refuse.
ask_refused() {
  printf '\n$ %s\n' "$*"
  local code=0
  "$@" 2>&1 || code=$?
  ((code == 1)) || fail "this question was to be refused with exit code 1, and gave $code"
}

# Prints the id of the server that an earlier run left; nothing if there is none.
earlier_server() {
  local id
  id=$(cat "$folder/server.pid" 2>/dev/null) || return 0
  if [[ $(readlink "/proc/$id/exe" 2>/dev/null) == "$repository/build/release/bin/"* ]]; then
    say "$id"
  fi
}

stop_server() {
  kill -TERM "$1" 2>/dev/null || return 0
  while kill -0 "$1" 2>/dev/null; do sleep 0.1; done
  rm -f "$folder/server.pid"
}

# Starts a server on a fresh database and free ports; sets `server` and
# BITBUDGET_SERVER.
start_server() {
  rm -rf "$folder"
  mkdir -p "$folder"
  touch "$folder/server.out"
  bitbudget-server --database "$folder/bitbudget.db" --listen 127.0.0.1:0 --http 127.0.0.1:0 \
    >"$folder/server.out" 2>"$folder/server.log" &
  server=$!
  say "$server" >"$folder/server.pid"
  local attempt address=
  for ((attempt = 0; attempt < 300; ++attempt)); do
    address=$(sed -n 's/^bitbudget-server listening on //p' "$folder/server.out")
    [[ -n $address ]] && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  if [[ -z $address ]]; then
    cat "$folder/server.log" >&2
    fail "the server did not start; its log: $folder/server.log"
  fi
  export BITBUDGET_SERVER=$address
  say "Server: on $address, database $folder/bitbudget.db, log $folder/server.log"
}

# Leaves prepared text, 51 MB that are fetched once, as $corpus/tokens.bin.
prepare_text() {
  [[ ! -s $corpus/tokens.bin ]] || return 0
  say "Text: fetching two packages of Debian and preparing them"
  run_logged corpus worker/scripts/fetch_corpus.sh "$corpus"
  build/worker/bin/bitbudget-train prepare --vocabulary 128 --output "$corpus/tokens.bin" \
    "$corpus/text"
}

# Sets `worker`; it leaves by itself when there is nothing to do.
start_worker() {
  bitbudget-worker --data "$corpus/tokens.bin" --work-directory "$folder/work" \
    --trainer build/worker/bin/bitbudget-train --study "$1" --idle-exit 5s \
    2>"$folder/worker.log" &
  worker=$!
}

# Follows a campaign; after each line of it, what its study answers by now.
follow() {
  local campaign=$1 trained=$2 line answer
  shift 2
  printf '\n$ bitbudget campaign watch %s --study %s\n' "$campaign" "$trained"
  while IFS= read -r line; do
    say "$line"
    if answer=$("$@" 2>/dev/null); then
      sed -n 's/^  QAT fraction */      best QAT fraction /p' <<<"$answer"
    else
      say "      no answer yet"
    fi
  done < <(bitbudget campaign watch "$campaign" --study "$trained")
}

finish() {
  local code=$?
  if [[ -n ${worker:-} ]]; then kill -TERM "$worker" 2>/dev/null || true; fi
  if [[ -z ${server:-} ]]; then return; fi
  if $keep && ((code == 0)); then
    tell <<TEXT
The server goes on. The same answers with figures, in a browser:
  $(sed -n 's/^bitbudget-server dashboard at //p' "$folder/server.out")
In this directory:
  export BITBUDGET_SERVER=$BITBUDGET_SERVER PATH="\$PWD/build/release/bin:\$PATH"
  bitbudget --help
  kill $server          # stops it; what was stored stays in $folder
TEXT
    disown "$server"
  else
    stop_server "$server"
    tell <<'TEXT'
The server has stopped. With --keep it goes on, for questions of your own.
TEXT
  fi
}

scripts/build.sh worker
earlier=$(earlier_server)
[[ -z $earlier ]] || stop_server "$earlier"
trap finish EXIT
start_server

tell <<TEXT
A model that will run at 1 to 4 bits a weight is trained in two phases: full precision, then
quantization-aware training (QAT). One budget of tokens pays for both. How to split it? bitbudget
keeps measured runs, fits a scaling law to them, and answers from the fit.

1. THE DATA: $(($(wc -l <"$runs") - 1)) trainings of small transformers by bitbudget's own program
on a CPU: four sizes, 1 to 16 million tokens, 1 to 4 bits, three seeds at most budgets, and a 16-bit
control of every schedule (data/micro_campaign/README.md).
TEXT
ask bitbudget study create "$study" --definition data/micro_campaign/study.json
ask bitbudget experiments import --study "$study" "$runs" --wait
# A second study, for the dashboard's and the reader's comparisons.
bitbudget study create micro-prototype --definition data/micro_prototype/study.json >/dev/null
bitbudget experiments import --study micro-prototype data/micro_prototype/experiments.csv \
  >/dev/null

tell <<'TEXT'
2. THE FIT, made by the server as soon as the rows were stored. Which rows it used and which it
left out; how well it describes them beside the noise between seeds; on which rung of the ladder
it stands, from the full law down to simpler ones that fewer data can fix; what a reader must
know.
TEXT
ask bitbudget fit show --study "$study"

tell <<'TEXT'
3. THE QUESTION: 55,536 parameters at 2 bits. The best QAT fraction for three budgets, with
intervals, and what the runs of that very place say by themselves; the range around it that is as
good; what the 10 % rule of thumb would waste.
TEXT
for budget in 1M 4M 16M; do
  ask bitbudget fraction --study "$study" --parameters 55536 --total-tokens "$budget" \
    --weight-bits 2
done

tell <<'TEXT'
4. DOES IT GROW? The best fraction over budgets and bits in one call: down the table the budget
grows, and the fraction with it; with more bits it shrinks.
TEXT
ask bitbudget grid --study "$study" --quantity optimal-qat-fraction --parameters 55536 \
  --axis total_tokens=1e6,4e6,16e6 --axis weight_bits=1,2,4

tell <<'TEXT'
5. IS IT RIGHT? Hold it against the runs themselves: those of 4M tokens at 2 bits. The least loss
was measured with 1M QAT tokens, a quarter of the budget, by all three seeds. The law puts the best
higher: its form misses these runs, the scatter of replicates shows by how much, and the intervals
contain it. So the interval is wide, no range of fractions is called as good, and what the 10 % rule
wastes is not told from nothing. Right in kind, not to two digits; hence the warnings.
docs/findings.md tells what of this is the schedule's doing.
TEXT
ask bitbudget experiments list --study "$study" --parameters 55536 --weight-bits 2 \
  --schedule classic --min-total-tokens 4M --max-total-tokens 4.1M

tell <<'TEXT'
6. WHAT THE DATA CANNOT SUPPORT. A model ten times larger on ten times the tokens gets an answer,
for a law can be extended; how far it lies outside is said, axis by axis.
TEXT
ask bitbudget fraction --study "$study" --parameters 2.2M --total-tokens 160M --weight-bits 2

tell <<'TEXT'
And whoever has always used one split cannot know which is best. The same study, with the runs
near 12 % QAT alone: the question is refused, naming what is missing.
TEXT
awk -F, 'NR == 1 || $3 == 0 || ($3 / ($2 + $3) > 0.11 && $3 / ($2 + $3) < 0.13)' "$runs" \
  >"$folder/one_fraction.csv"
bitbudget study create one-fraction --definition data/micro_campaign/study.json >/dev/null
# Stored, and not fitted, which is an error to whoever waits for the fit.
bitbudget experiments import --study one-fraction "$folder/one_fraction.csv" --wait \
  >/dev/null 2>&1 || true
ask_refused bitbudget fraction --study one-fraction --parameters 55536 --total-tokens 4M \
  --weight-bits 2

tell <<'TEXT'
7. CLOSE THE LOOP. A study that is trained here and now: ten QAT runs of 24,736 parameters at 1 bit
on two budgets, as a campaign. Runs that pass through the same states share them, and the
full-precision runs on the way are measured too. A worker leases the jobs, trains them on one core
and reports; each result goes into the fit, and with enough of them there is an answer, which moves.
TEXT
cat >"$folder/grid.json" <<'JSON'
{
  "title": "ten QAT runs",
  "training": {"schedule": {"peak_rate": 0.0045}},
  "grids": [{
    "models": [{"shape": {"width": 32, "layers": 2}}],
    "total_tokens": [0.4e6, 1.6e6],
    "weight_bits": [1],
    "qat_fractions": [0.1, 0.25, 0.4, 0.55, 0.75]
  }]
}
JSON
prepare_text
ask cat "$folder/grid.json"
bitbudget study create live --loss-unit nats-per-byte >/dev/null
ask bitbudget campaign create ten --study live --grid "$folder/grid.json"
start_worker live
question=(bitbudget fraction --study live --parameters 24736 --total-tokens 1M --weight-bits 1)
follow ten live "${question[@]}"
tell <<'TEXT'
Five fractions of the small budget are enough for a first answer. Runs of the large one may take it
back while they are few, for it does not carry over; with both measured there is one again. Ten runs
fix no law of the loss, and the server says so.
TEXT
ask bitbudget jobs list --study live --campaign ten
# What ten runs say hangs on the machine's rounding; a refusal is an answer too.
ask "${question[@]}" || true

tell <<'TEXT'
That is the tool: measure small runs, store them, ask before you spend. README.md goes on from
here.
TEXT
