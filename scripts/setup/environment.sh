#!/bin/sh
# Bring ./.venv to what the lock says. Does nothing, quickly, when it is there already.
#
#   sh scripts/setup/environment.sh run     what a study needs
#   sh scripts/setup/environment.sh dev     the same and the tools of developers
#
# An environment once made for developers stays one: both levels then follow requirements/dev.txt,
# so that `make run` after `make test` changes nothing.
set -eu

level=$1
cd "$(dirname "$0")/../.."
here=$(pwd -P)
python=.venv/bin/python
ready=.venv/ready # one line: the level, the checksum of all that it was made from, the folder
log=.venv/set-up.log

export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 UV_PYTHON_DOWNLOADS=never

state=$(cat "$ready" 2>/dev/null || true)
case $state in
"dev "*) level=dev ;;
esac
sum=$(cat scripts/setup/environment.sh pyproject.toml requirements/uv.txt "requirements/$level.txt" | cksum)
wanted="$level $sum $here"
works=no
case $state in
*" $here") if "$python" -c "" 2>/dev/null; then works=yes; fi ;;
esac
[ "$works $state" != "yes $wanted" ] || exit 0

# A step that fails says what it tried and how to go on; the installer's own words come last.
step() {
    what=$1
    shift
    if ! "$@" >"$log" 2>&1; then
        # An update that fails leaves the environment as it was. A new one is made again next time.
        [ ! -e "$ready.before" ] || mv "$ready.before" "$ready"
        {
            echo "Set-up stopped: $what failed."
            echo "  Most often the network is missing, or a proxy or a package mirror is not known:"
            echo "  set HTTPS_PROXY, PIP_INDEX_URL or SSL_CERT_FILE as your institution says."
            echo "  Then give the same command again; it starts afresh where it must."
            echo "The installer's last words (all of them: $log):"
            grep -v '^WARNING' "$log" | tail -n 4 | cut -c 1-200 | sed 's/^/  | /'
        } >&2
        exit 1
    fi
}

# From here on the mark is gone: whoever interrupts this gets a new environment at the next call.
if [ "$works" = yes ]; then
    mv "$ready" "$ready.before"
else
    chosen=$(sh scripts/setup/check_machine.sh)
    echo "Making .venv with $("$chosen" --version) ($chosen)"
    rm -rf .venv
    mkdir .venv
    step "making a virtual environment" "$chosen" -m venv .venv
    step "fetching the installer" "$python" -m pip install --no-deps --require-hashes -r requirements/uv.txt
fi

# uv does not read pip's settings: hand it the package mirror that an institution may prescribe.
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    mirror=${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$mirror" ] || export UV_DEFAULT_INDEX="$mirror"
fi

echo "Installing the locked packages (requirements/$level.txt); the first time takes about a minute"
uv() { .venv/bin/uv "$@" --python "$python" --no-build-isolation; }
step "installing the locked packages" uv pip sync --require-hashes --compile-bytecode "requirements/$level.txt"
step "installing this project" uv pip install --no-deps --editable .
step "compiling this project" "$python" -m compileall -q src

rm -f "$ready.before"
echo "$wanted" >"$ready"
