#!/usr/bin/env bash
# The steps of ./run that images are built of: `setup/image.sh STEP`, called by docker/Dockerfile and nobody else.
# What a step installs is said in the files sourced here, for ./run and images alike.
set -euo pipefail
checkout=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$checkout"
. setup/common.sh
. setup/packages.sh
. setup/python.sh
. setup/asterisk.sh
. setup/page.sh
. setup/parts.sh

account=hotline
number=9559 # of user and group alike, the same in both images: they share files, some for their group alone

# The account, and the folders that volumes are laid over: a new volume takes owner and mode from what it covers.
make_account() {
  local home one
  home=$(dirname "$checkout")
  groupadd --gid "$number" "$account"
  useradd --uid "$number" --gid "$number" --home-dir "$home" --no-create-home --no-log-init --shell /usr/sbin/nologin "$account"
  for one in data nodes cache; do
    mkdir -p "$home/$one"
    chmod 750 "$home/$one"
    chown "$number:$number" "$home/$one"
  done
}

case ${1:-} in
  ground) # what both images stand on
    want_part program
    install_missing
    make_account
    ;;
  program) # .venv, compiled, since nothing can be written there later
    set_up_python ""
    "$venv/bin/python" -m compileall -q -x '/\.venv/' "$checkout"
    ;;
  asterisk) # a root of its own in HOTLINE_CACHE
    want_part asterisk
    install_missing
    set_up_asterisk
    ;;
  page) # JsSIP in frontend/agent/lib
    want_part page
    install_missing
    set_up_page
    ;;
  prompts) # the voice that `hotline prepare` speaks with
    want_part prompts
    install_missing
    ;;
  *) stop "setup/image.sh knows no step '${1:-}': ground, program, asterisk, page or prompts" ;;
esac
