# shellcheck shell=bash
# The distribution's packages: each is asked for only when what we need of it is not there.

# package -> the command or file (a pattern of one) that shows it is there
declare -A sign_of=(
  [espeak-ng]=espeak-ng
  [mmdebstrap]=mmdebstrap
  [shellcheck]=shellcheck
  [chromium]=chromium
  [fonts-noto-cjk]=/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
  [libatomic1]=/usr/lib/x86_64-linux-gnu/libatomic.so.1
  [postgresql]='/usr/lib/postgresql/*/bin/initdb'
  [nodejs]=node
  [npm]=npm
  [ca-certificates]=/etc/ssl/certs/ca-certificates.crt
  [redis-tools]=redis-check-rdb
  [tzdata]=/usr/share/zoneinfo/Asia/Shanghai
)

missing=()

# want PACKAGE...: notes those that are not there; `install_missing` installs them all in one go.
want() {
  local package sign
  for package in "$@"; do
    sign=${sign_of[$package]}
    if [[ $sign == /* ]]; then compgen -G "$sign" >/dev/null && continue; else command -v "$sign" >/dev/null && continue; fi
    missing+=("$package")
  done
}

become_root() {
  [ "$(id -u)" = 0 ] && return
  if command -v sudo >/dev/null; then
    sudo -n true 2>/dev/null && return
    [ -t 0 ] && say "packages are missing (${missing[*]}); sudo may ask for your password" && sudo -v && return
  fi
  stop "packages are missing and this account may not install them: have an administrator run 'apt-get install ${missing[*]}', then start again"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then env DEBIAN_FRONTEND=noninteractive "$@"; else sudo -n env DEBIAN_FRONTEND=noninteractive "$@"; fi
}

# Debian's postgresql would make a cluster of its own and start it. Only the programs are wanted here, and what
# this machine is to do with them is its administrator's business: the note goes once they are installed.
cluster_note=/etc/postgresql-common/createcluster.d/hotline-none.conf
no_cluster() {
  as_root mkdir -p "$(dirname "$cluster_note")"
  as_root tee "$cluster_note" <<<"create_main_cluster = false"
}

apt_install() {
  # a source of somebody else's that is out of order must not stop us: what matters is whether ours install
  as_root apt-get update || true
  local status=0
  [[ " $* " != *" postgresql "* ]] || no_cluster
  as_root apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@" || status=$?
  [[ " $* " != *" postgresql "* ]] || as_root rm -f "$cluster_note"
  return "$status"
}

install_missing() {
  [ "${#missing[@]}" != 0 ] || return 0
  command -v apt-get >/dev/null || stop "this system has no apt-get: install ${missing[*]} by its own means, then start again"
  become_root
  room / 1000
  quietly "packages: ${missing[*]}" apt_install "${missing[@]}" || failed "installing the packages ${missing[*]}"
  missing=()
}
