# What the other scripts stand on: a Python, a virtual environment, a browser. Sourced, never run.
# Says each step before taking it, and takes none that was taken before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONUNBUFFERED=1

say() { printf '==> %s\n' "$*"; }
fail() { printf 'error: %s\n' "$1" >&2; [ $# = 1 ] || printf '       %s\n' "${@:2}" >&2; exit 1; }

may_install() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; }

# Installs Debian packages without asking; only where may_install allows it.
system_install() {
    local root=(env DEBIAN_FRONTEND=noninteractive) log
    [ "$(id -u)" = 0 ] || root=(sudo -n "${root[@]}")
    log=$(mktemp)
    say "installing $* from the system's packages (about a minute)"
    "${root[@]}" apt-get update -qq >"$log" 2>&1 \
        && "${root[@]}" apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1 \
        || { tail -n 20 "$log" >&2; fail "apt-get could not install $*"; }
    rm -f "$log"
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer was found. Install one, for example" \
        "  Debian, Ubuntu:  sudo apt-get install python3 python3-venv" \
        "  Fedora:          sudo dnf install python3" \
        "  macOS:           brew install python" \
        "or name it: PYTHON=/path/to/python3 $0"
}

make_venv() {
    local python
    python=$(find_python)
    say "making .venv with $("$python" --version)"
    # Debian ships Python without what venv needs.
    "$python" -c 'import ensurepip' 2>/dev/null || {
        may_install || fail "$python cannot make virtual environments: sudo apt-get install python3-venv"
        system_install python3-venv
    }
    "$python" -m venv --clear .venv
}

# pip says nothing for a minute or far too much: one short line per package instead, and its complaints if it fails.
pip_install() {
    local log
    log=$(mktemp)
    .venv/bin/python -m pip install --progress-bar off "$@" 2>"$log" | while read -r word rest; do
        case $word in
            Collecting) printf "    fetching %s\n" "${rest%%[!A-Za-z0-9._-]*}" ;;
            Installing) [[ $rest != collected* ]] || printf "    unpacking …\n" ;;
        esac
    done || { cat "$log" >&2; fail "pip could not install what pyproject.toml asks for"; }
    rm -f "$log"
}

# ensure_environment examples|dev|bench: .venv with this package, its extras and that dependency group, each of which
# holds the one before it.
ensure_environment() {
    local group=$1 extras=emulator key
    [ "$group" = examples ] || extras=emulator,fast,otel
    key="$(cksum <pyproject.toml) $PWD"
    if [ -x .venv/bin/python ] && [ "$(cat ".venv/.ready-$group" 2>/dev/null)" = "$key" ]; then return; fi
    .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || make_venv
    say "installing cfrealtime and its \"$group\" packages into .venv (one or two minutes, once)"
    pip_install --upgrade 'pip>=25.1' # the first that knows dependency groups
    pip_install --editable ".[$extras]" --group "$group"
    echo "$key" >.venv/.ready-examples
    [ "$group" = examples ] || echo "$key" >".venv/.ready-$group"
}

# Exports CHROMIUM, the browser that tests drive.
ensure_chromium() {
    find_chromium && return
    may_install || fail "the browser tests need Chromium. Install it, for example: sudo apt-get install chromium" \
        "or name it: CHROMIUM=/path/to/chromium $0" "or leave those tests out: scripts/test --no-browser"
    system_install chromium fonts-dejavu-core
    find_chromium || fail "Chromium was installed but is not on the PATH"
}

find_chromium() {
    local candidate
    for candidate in "${CHROMIUM:-chromium}" chromium chromium-browser google-chrome \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        if CHROMIUM=$(command -v "$candidate"); then export CHROMIUM; return; fi
    done
    unset CHROMIUM
    return 1
}
