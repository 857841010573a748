#!/bin/sh
# What an image starts: the program's own command line, with files for owner and group alone, as the systemd units do.
set -eu
umask 027
exec hotline "$@"
