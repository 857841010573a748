# shellcheck shell=bash
# The SIP user agent of the agents' page: JsSIP as its lock file says, made one file by esbuild, kept in the cache and
# copied into frontend/agent/lib. The page loads it from our own server; nothing of npm runs in service.

page_home=$checkout/frontend/agent

page_kept() { echo "$cache/jssip-$(digest "$page_home/package-lock.json" "$checkout/setup/page.sh").js"; }

page_was_made() { compgen -G "$cache/jssip-*.js" >/dev/null; }

want_page() { [ -e "$(page_kept)" ] || want nodejs npm ca-certificates; }

# make_page FOLDER: jssip.js in it
make_page() {
  mkdir -p "$1" &&
    cp "$page_home/package.json" "$page_home/package-lock.json" "$1" &&
    npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --cache "$cache/npm" &&
    cd "$1" && # or the file would tell where it was made
    node_modules/.bin/esbuild node_modules/jssip/lib/JsSIP.js --bundle --minify --format=esm --target=es2022 \
      --banner:js="/*! $(cat node_modules/*/LICENSE*) */" --outfile=jssip.js
}

build_page() {
  local aside=$1.unfinished
  rm -rf "$aside" # of a run that was cut off
  if ! quietly "telephone of the agents' page" make_page "$aside"; then
    rm -rf "$aside"
    failed "making the telephone of the agents' page"
  fi
  mv -T "$aside/jssip.js" "$1"
  rm -rf "$aside"
}

set_up_page() {
  local kept
  kept=$(page_kept)
  if [ ! -e "$kept" ]; then
    under_lock page
    [ -e "$kept" ] || build_page "$kept"
    unlock
  fi
  cmp --silent "$kept" "$page_home/lib/jssip.js" || install -D --mode=644 "$kept" "$page_home/lib/jssip.js"
}
