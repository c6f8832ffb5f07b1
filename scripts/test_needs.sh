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

wanted=
has_openmp || wanted="$wanted libgomp1"
has_java || wanted="$wanted openjdk-17-jre-headless"
if grep -rqs --include='*.py' 'mark\.browser' tests && ! has_chromium; then
    wanted="$wanted chromium fonts-noto-cjk"
fi
has_postgres || wanted="$wanted postgresql"
has_mariadb || wanted="$wanted mariadb-server"
command -v redis-server >/dev/null || wanted="$wanted redis-server"
PATH="$PATH:/usr/sbin" command -v nginx >/dev/null || wanted="$wanted nginx-core"
[ -n "$wanted" ] || exit 0

# All at once takes half the time; where one cannot be had, the others can.
# shellcheck disable=SC2086
sh scripts/debian_packages.sh $wanted && exit 0
for package in $wanted; do
    sh scripts/debian_packages.sh "$package"
done
has_java || sh scripts/debian_packages.sh default-jre-headless
exit 0
