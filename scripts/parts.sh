#!/usr/bin/env bash
# Runs the named parts one after another and says how long each took. A part that fails does not hide the next ones;
# the tests come last, so that the closing line of pytest is the last thing printed.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" PYTEST_DISABLE_PLUGIN_AUTOLOAD=1

failed=()

chromium() {
    [ ! -x /usr/bin/chromium ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null && return 0
    fi
    echo "No /usr/bin/chromium, and it could not be installed: the tests that need a browser are skipped here, and fail in CI."
}
lint() { ruff check .; }
format() { ruff format --check .; }
types() { mypy; }
ui() { scripts/ui.sh check; }
arrows() { lint-imports --no-logo --no-cache; }
pytests() { pytest -p xdist -n 2 --dist worksteal -p pytest_timeout -p _hypothesis_pytestplugin "$@"; }
tests() { pytests; }
fast_tests() { pytests -m "not slow and not browser"; }
simulation() { python -m tests.simulation --seeds "$SEEDS"; }
kills() { pytests tests/flows/test_kill.py --timeout 0; }
slow_tests() { pytests -m slow --timeout 0; }

for part in "$@"; do
    echo "── $part"
    [[ "$part" != *tests ]] || [ ${#failed[@]} = 0 ] || echo "   failed so far: ${failed[*]}"
    start=$SECONDS
    "$part" || failed+=("$part")
    [[ "$part" == *tests ]] || echo "   $part: $((SECONDS - start)) s"
done
[ ${#failed[@]} = 0 ]
