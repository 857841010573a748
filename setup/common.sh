# shellcheck shell=bash
# What every step of ./run shares: progress lines, quiet commands with a log, locks, stamps, and one way to stop.

cache=${HOTLINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hotline95559}
logs=$checkout/var/log/setup
venv=$checkout/.venv
running=
ticker=

say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

# stop SENTENCE: what happened and what to do about it, in one line.
stop() {
  printf './run: %s\n' "$*" >&2
  exit 3
}

interrupted() {
  [ -z "$running" ] || kill -TERM -- "-$running" 2>/dev/null || true
  [ -z "$ticker" ] || kill "$ticker" 2>/dev/null || true
  exit 130
}
trap interrupted INT TERM

# quietly LABEL COMMAND...: runs COMMAND with its output in a log, and says how it goes and how long it took.
# Status: COMMAND's own; $log is left pointing at its log.
quietly() {
  local label=$1 began=$SECONDS status=0 ended=
  shift
  mkdir -p "$logs"
  log=$logs/$(tr -cs 'a-zA-Z0-9\n' '-' <<<"$label").log
  say "$label ..."
  set -m # a process group of its own, so that Ctrl-C ends all of it
  "$@" >"$log" 2>&1 </dev/null &
  running=$!
  set +m
  while [ "$ended" != "$running" ]; do
    [ -z "$ended" ] || say "$label: still at it, $((SECONDS - began)) s so far"
    sleep 15 >/dev/null 2>&1 &
    ticker=$!
    status=0
    wait -n -p ended "$running" "$ticker" || status=$?
  done
  kill "$ticker"
  wait "$ticker" 2>/dev/null || true
  running='' ticker=''
  [ "$status" != 0 ] || say "$label: done in $((SECONDS - began)) s"
  return "$status"
}

# failed WHAT: stops with the likeliest reason that the last log shows, and what to do about it.
failed() {
  local hint="read the log, then start again"
  if grep -qiE 'no space left|disk quota' "$log"; then
    hint="the disk is full: free some space, then start again"
  elif grep -qiE 'could not resolve|temporary failure|name resolution|could not connect|network is unreachable|timed out|connection refused|failed to fetch|unable to locate package|no matching distribution|max retries' "$log"; then
    hint="the network or its proxy does not let us through: check it (https_proxy, apt's and pip's settings), then start again"
  elif grep -qiE 'could not get lock|is another process using it' "$log"; then
    hint="another package installer is at work: wait until it is done, then start again"
  fi
  tail -n 12 "$log" | sed 's/^/    /' >&2
  stop "$1 failed: $hint (log: $log)"
}

# under_lock NAME: holds the lock NAME of the cache until this ./run ends, so that two never build one thing twice.
under_lock() {
  mkdir -p "$cache" 2>/dev/null || stop "cannot write $cache: set HOTLINE_CACHE to a folder of yours, then start again"
  exec {lock_handle}>"$cache/.lock-$1"
  flock --nonblock "$lock_handle" || {
    say "another ./run is setting up ($1): waiting for it ..."
    flock "$lock_handle"
  }
}

unlock() { exec {lock_handle}>&-; }

# room FOLDER MEGABYTES: stops unless that much is free there.
room() {
  local free
  mkdir -p "$1" 2>/dev/null || stop "cannot write $1: choose a folder of yours, then start again"
  free=$(df -Pm "$1" | awk 'NR == 2 {print $4}')
  [ "$free" -ge "$2" ] || stop "$1 has $free MB free and set-up needs $2 MB: free some space, or set HOTLINE_CACHE to another disk, then start again"
}

digest() { cat "$@" | sha256sum | cut -c1-12; }
