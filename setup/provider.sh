# shellcheck shell=bash
# The identity provider that tests sign in by: oidc-provider and what it needs, as its lock file says, in
# tests/support/provider/node_modules. Nothing of it runs in service.

provider_home=$checkout/tests/support/provider

npm_install() { npm ci --prefix "$provider_home" --ignore-scripts --no-audit --no-fund --cache "$cache/npm"; }

set_up_provider() {
  local stamp=$provider_home/node_modules/.set-up recipe
  recipe=$(digest "$provider_home/package-lock.json")
  [ "$(cat "$stamp" 2>/dev/null)" != "$recipe" ] || return 0
  under_lock "provider-$(digest - <<<"$provider_home")"
  if [ "$(cat "$stamp" 2>/dev/null)" != "$recipe" ]; then
    quietly "identity provider for tests" npm_install || failed "installing oidc-provider"
    echo "$recipe" >"$stamp"
  fi
  unlock
}
