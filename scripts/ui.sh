#!/usr/bin/env bash
# The pages of ui/: `build` puts them where the service finds them, `check` is what CI asks of them, `client` writes their
# types anew. Without Node, `build` says so and changes nothing: the service then has a plain page in their place.
set -euo pipefail
cd "$(dirname "$0")/.."
NODE_MIN="20.19"
PYTHON="${VENV_PYTHON:-.venv/bin/python}"

has_node() {
    command -v npm >/dev/null && node -e "
        const [major, minor] = process.versions.node.split('.').map(Number);
        process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)"
}

# What is installed is what the lock says; asked again, it is not installed anew.
installed() {
    [ ui/node_modules/.installed -nt ui/package-lock.json ] && return
    echo "Installing what the pages are built with into ui/node_modules (once) …"
    npm --prefix ui ci --no-audit --no-fund --loglevel=error && touch ui/node_modules/.installed
}

if ! has_node; then
    echo "No Node $NODE_MIN or newer here: the dashboards are not built; the service says on /admin how to get them."
    [ "$1" = build ] || exit 1
    exit 0
fi
installed
mkdir -p build
case "$1" in
    build) npm --prefix ui run --silent build ;;
    check) "$PYTHON" scripts/openapi.py && npm --prefix ui run --silent check ;;
    client) "$PYTHON" scripts/openapi.py && npm --prefix ui run --silent generate ;;
    *) echo "scripts/ui.sh build | check | client" && exit 2 ;;
esac
[ "$1" = client ] || touch build/.ui
