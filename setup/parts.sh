# shellcheck shell=bash
# What each part of the project needs of the distribution's packages: the one list, for ./run and for images.

# want_part PART: notes what is missing; `install_missing` installs it.
want_part() {
  case $1 in
    program) want_python && want tzdata ;;
    asterisk) want_asterisk ;;
    prompts) want espeak-ng ;;
    browser) want chromium fonts-noto-cjk libatomic1 ;; # the last for the driver of the browser
    page) want_page ;;
    provider) want nodejs npm ;; # of identities, for tests
    server) want postgresql redis-tools ;; # programs for tests: no cluster and no daemon of the distribution's is made
    scripts) want shellcheck ;;
    *) stop "there is no part '$1'" ;;
  esac
}
