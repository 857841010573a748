# shellcheck shell=bash
# The SIP user agent of the agents' page: JsSIP as its lock file says, made one file by esbuild, in
# frontend/agent/lib. The page loads it from our own server; nothing of npm runs in service.

page_home=$checkout/frontend/agent

make_page() {
  npm ci --prefix "$page_home" --ignore-scripts --no-audit --no-fund --cache "$cache/npm" &&
    mkdir -p "$page_home/lib" &&
    "$page_home/node_modules/.bin/esbuild" "$page_home/node_modules/jssip/lib/JsSIP.js" --bundle --format=esm --target=es2022 \
      --define:process.env.NODE_DEBUG=undefined --legal-comments=inline --outfile="$page_home/lib/jssip.js"
}

set_up_page() {
  local stamp=$page_home/lib/.set-up recipe
  recipe=$(digest "$page_home/package-lock.json" "$checkout/setup/page.sh")
  [ "$(cat "$stamp" 2>/dev/null)" != "$recipe" ] || return 0
  under_lock "page-$(digest - <<<"$page_home")"
  if [ "$(cat "$stamp" 2>/dev/null)" != "$recipe" ]; then
    quietly "telephone of the agents' page" make_page || failed "installing JsSIP"
    echo "$recipe" >"$stamp"
  fi
  unlock
}
