#!/bin/sh
# Installs Debian packages: sh scripts/debian_packages.sh PACKAGE...
# Fails, saying why, where that cannot be done: no apt, not root, or no such package.
set -eu

if ! command -v apt-get >/dev/null 2>&1; then
    echo "Not Debian: install by hand: $*" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Not root, so nothing was installed. As root: apt-get install $*" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# One at a time: apt refuses a second.
exec 9>/var/lock/foresell-packages.lock
flock 9
echo "Installing Debian packages: $*" >&2
apt-get update -qq >&2
apt-get install -y -qq --no-install-recommends "$@" >&2
