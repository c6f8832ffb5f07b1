#!/bin/sh
# Installs into the environment $1 what the other arguments name: sh scripts/install.sh .venv --editable '.[dev]'
# By uv, in a third of pip's time; where uv cannot be had or fails, by pip. uv does not read how pip is
# configured here, so it is told: without a folder of wheels given to pip it would fetch CUDA's torch.
set -eu
python=$1/bin/python
shift

with_pip() {
    "$python" -m pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt "$@"
}

setting() {
    "$python" -m pip config list | sed -n "s/^[^=]*[.]$1='\(.*\)'\$/\1/p" | head -n 1
}

with_uv() {
    with_pip uv || return 1
    for folder in $(setting find-links); do
        set -- --find-links "$folder" "$@"
    done
    index=$(setting index-url)
    "$python" -m uv pip install --quiet --python "$python" --constraint constraints.txt \
        ${index:+--default-index "$index"} "$@"
}

with_uv "$@" || with_pip "$@"
