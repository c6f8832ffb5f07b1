#!/bin/sh
# Fetches what whole suites need beyond Python: Java for Spark, Chromium for the browser tests, OpenMP for
# LightGBM, and the servers (databases, Redis, a proxy) that the tests start for themselves.
# Never fails: a suite whose need stays unmet is left out, and pytest's last lines name it.
cd "$(dirname "$0")/.." || exit 0

has_java() {
    version=$("${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
    [ -n "$version" ] && [ "$version" -ge 17 ]
}

has_chromium() {
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

has_postgres() {
    command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1
}

has_mariadb() {
    PATH="$PATH:/usr/sbin" command -v mariadbd >/dev/null
}

# LightGBM's own need.
has_openmp() {
    ldconfig -p 2>/dev/null | grep -q 'libgomp\.so\.1' || ls /usr/lib/*/libgomp.so.1 >/dev/null 2>&1
}

has_openmp || sh scripts/debian_packages.sh libgomp1
if ! has_java; then
    sh scripts/debian_packages.sh openjdk-17-jre-headless || sh scripts/debian_packages.sh default-jre-headless
fi
if grep -rqs --include='*.py' 'mark\.browser' tests && ! has_chromium; then
    sh scripts/debian_packages.sh chromium fonts-noto-cjk
fi
has_postgres || sh scripts/debian_packages.sh postgresql
has_mariadb || sh scripts/debian_packages.sh mariadb-server
command -v redis-server >/dev/null || sh scripts/debian_packages.sh redis-server
PATH="$PATH:/usr/sbin" command -v nginx >/dev/null || sh scripts/debian_packages.sh nginx-core
exit 0
