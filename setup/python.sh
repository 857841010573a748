# shellcheck shell=bash
# Python: an interpreter of 3.11 or later, and the checkout's own environment in .venv, pinned by constraints.txt.

find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}

want_python() {
  venv_is_whole || [ -n "$(find_python)" ] || missing+=(python3 python3-venv)
}

# Whether .venv was made here and by the Python that is still there: a moved checkout or an upgraded Python
# leaves one behind whose programs do not start.
venv_is_whole() {
  grep -qF "$venv" "$venv/bin/activate" 2>/dev/null && "$venv/bin/python" -c 'import pip' 2>/dev/null
}

# Installs what setup.cfg asks for; $1 is "" or the name of an extra.
pip_install() {
  "$venv/bin/python" -m pip install --disable-pip-version-check --constraint "$checkout/constraints.txt" \
    --editable "$checkout${1:+[$1]}"
}

# set_up_python [EXTRA]: .venv is as setup.cfg and constraints.txt say (a stamp holds the digest of both).
set_up_python() {
  local extra=${1:-} stamp recipe python
  stamp=$venv/.set-up-${extra:-plain}
  recipe=$(cd "$checkout" && digest setup.cfg pyproject.toml constraints.txt)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$recipe" ] && venv_is_whole; then return; fi
  under_lock "python-$(digest - <<<"$venv")"
  room "$checkout" 800
  if ! venv_is_whole; then
    python=$(find_python)
    [ -n "$python" ] || stop "no Python of 3.11 or later with venv is here: install one (Debian: python3 python3-venv), then start again"
    quietly "Python environment" "$python" -m venv --clear "$venv" || failed "making the Python environment $venv"
  fi
  if [ "$(cat "$stamp" 2>/dev/null)" != "$recipe" ]; then # another ./run may have done it while we waited
    quietly "Python packages${extra:+ with those for developers}" pip_install "$extra" || failed "installing the Python packages"
    echo "$recipe" >"$stamp"
    [ -z "$extra" ] || echo "$recipe" >"$venv/.set-up-plain"
  fi
  unlock
}
