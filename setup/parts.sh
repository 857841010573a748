# shellcheck shell=bash
# What each part of the project needs of the distribution's packages: the one list, for ./run and for images.

# want_part PART: notes what is missing; `install_missing` installs it.
want_part() {
  case $1 in
    program) want_python && want tzdata ;;
    asterisk) want_asterisk ;;
    prompts) want espeak-ng ;;
    browser) want chromium fonts-noto-cjk libatomic1 ;; # the last for the driver of the browser
    server) want postgresql ;; # its programs, for tests: no cluster of the distribution's is made
    provider) want nodejs npm ;; # of identities, for tests
    scripts) want shellcheck ;;
    *) stop "there is no part '$1'" ;;
  esac
}
