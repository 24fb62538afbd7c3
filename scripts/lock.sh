#!/usr/bin/env bash
# Writes requirements/*.txt anew from pyproject.toml: every package that is installed, by version and hash.
# run.txt is held to the versions of dev.txt, so that what is tested is what is served.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() {
    .venv/bin/uv pip compile --quiet pyproject.toml --extra pdf --extra postgres --generate-hashes --no-header \
        --no-annotate --no-emit-index-url --universal --python-version 3.11 "$@"
}

[ -x .venv/bin/uv ] || .venv/bin/pip install --quiet --disable-pip-version-check uv
lock --group dev --output-file requirements/dev.txt
lock --group build --constraints requirements/dev.txt --output-file requirements/run.txt
