# shellcheck shell=bash
# Asterisk and SIPp: the system's own if they are new enough, else from Debian's testing suite, unpacked into a
# private folder of the cache and run by the loader and libraries in there: no chroot, no root rights, and
# nothing of the system's own Asterisk is touched.

asterisk_suite=forky
asterisk_packages=asterisk,sip-tester,ca-certificates
asterisk_oldest=22.10.1 # about twenty security fixes; below lie deadlocks
asterisk_before=23
sipp_oldest=3.8

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; } # at_least OLDEST VERSION

version_in() { grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1; }

asterisk_fits() { [ -n "$1" ] && at_least "$asterisk_oldest" "$1" && ! at_least "$asterisk_before" "$1"; }

# from_root ROOT PROGRAM ARGUMENT...: runs a program of a private root with its own loader.
from_root() {
  local root=$1 loader
  shift
  loader=$(echo "$root"/usr/lib*/ld-linux*.so.?)
  "$loader" --library-path "$(echo "$root"/usr/lib/*-linux-gnu)" "$root/$1" "${@:2}"
}

unpack_asterisk() {
  mmdebstrap --quiet --mode=chrootless --variant=extract --include="$asterisk_packages" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Check-Valid-Until "false"' "$asterisk_suite" "$1" || return
  local folder
  for folder in bin lib lib64 sbin; do # unpacked packages alone bring no such links
    [ -e "$1/$folder" ] || [ ! -d "$1/usr/$folder" ] || ln -s "usr/$folder" "$1/$folder" || return
  done
}

build_asterisk_root() {
  local root=$1 aside=$1.unfinished.$$ version
  room "$cache" 1000
  find "$cache" -maxdepth 1 -name "$(basename "$root").unfinished.*" -exec rm -rf {} + # of a run that was cut off
  if ! quietly "Asterisk 22 and SIPp from Debian $asterisk_suite" unpack_asterisk "$aside"; then
    rm -rf "$aside"
    failed "fetching Asterisk"
  fi
  version=$(from_root "$aside" usr/sbin/asterisk -V | version_in)
  if ! asterisk_fits "$version"; then
    rm -rf "$aside"
    stop "Debian $asterisk_suite now holds Asterisk ${version:-(it does not start)}, and we need $asterisk_oldest or later below $asterisk_before: install such an Asterisk, or set HOTLINE_ASTERISK_ROOT to a root that holds one"
  fi
  mv -T "$aside" "$root"
}

system_asterisk() {
  command -v asterisk >/dev/null && command -v sipp >/dev/null || return
  asterisk_fits "$(asterisk -V 2>/dev/null | version_in)" && at_least "$sipp_oldest" "$(sipp -v 2>/dev/null | version_in)"
}

want_asterisk() {
  asterisk_root=
  if [ -n "${HOTLINE_ASTERISK_ROOT:-}" ]; then
    asterisk_root=$HOTLINE_ASTERISK_ROOT
    [ -x "$asterisk_root/usr/sbin/asterisk" ] || stop "HOTLINE_ASTERISK_ROOT=$asterisk_root holds no usr/sbin/asterisk: correct it or leave it unset"
  elif ! system_asterisk; then
    asterisk_root=$cache/asterisk-$(digest - <<<"$asterisk_suite $asterisk_packages extract $(uname -m)")
    [ -d "$asterisk_root" ] || want mmdebstrap
  fi
}

# Asterisk asks for its machine's own name at every call; where nothing answers, each call stalls for seconds.
warn_of_a_nameless_machine() {
  timeout 3 getent hosts "$(uname -n)" >/dev/null ||
    say "note: this machine's own name does not resolve, so calls will stall; add '127.0.1.1 $(uname -n)' to /etc/hosts"
}

set_up_asterisk() {
  local link
  warn_of_a_nameless_machine
  if [ -z "$asterisk_root" ]; then
    say "$(asterisk -V) of this system, $(sipp -v 2>/dev/null | grep -oE 'SIPp v[^ ]+' | head -n 1)"
    return
  fi
  if [ -z "${HOTLINE_ASTERISK_ROOT:-}" ]; then
    if [ ! -d "$asterisk_root" ]; then
      under_lock asterisk
      [ -d "$asterisk_root" ] || build_asterisk_root "$asterisk_root"
      unlock
    fi
    link=$cache/asterisk
    if [ "$(readlink "$link")" != "$(basename "$asterisk_root")" ]; then # replaced in one piece: others may be reading it
      ln -s "$(basename "$asterisk_root")" "$link.$$" && mv -T "$link.$$" "$link"
    fi
  fi
  say "$(from_root "$asterisk_root" usr/sbin/asterisk -V) in $asterisk_root"
}
