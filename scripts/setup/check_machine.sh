#!/bin/sh
# Check what set-up needs from this machine, and print the path of the Python to use.
# Everything that is missing is said at once, with the command that installs it.
#
#   sh scripts/setup/check_machine.sh
#   PYTHON=/path/to/python sh scripts/setup/check_machine.sh      to choose the Python yourself
set -u

needed="Python 3.11, 3.12 or 3.13 is needed"
problems=""
packages=""

# missing PROBLEM PACKAGE...: note what is wrong and what this system would install against it.
missing() {
    problems="$problems  - $1
"
    shift
    packages="$packages${*:+ $*}"
}

system=other
release=${OS_RELEASE:-/etc/os-release}
if [ "$(uname -s)" = Darwin ]; then
    system=macos
elif [ -r "$release" ]; then
    # shellcheck disable=SC1090
    case $(. "$release" && echo " ${ID:-} ${ID_LIKE:-} ") in
    *" debian "* | *" ubuntu "*) system=debian ;;
    *" fedora "* | *" rhel "*) system=fedora ;;
    esac
fi

# What provides a supported Python beside an unsuitable one; nothing when this system has none.
another_python() {
    case $system in
    macos) echo python@3.13 ;;
    fedora) echo python3.12 ;;
    debian)
        for version in 3.13 3.12 3.11; do
            if apt-cache show "python$version-venv" >/dev/null 2>&1; then
                echo "python$version python$version-venv"
                return
            fi
        done
        ;;
    esac
}

# --- Python with venv ----------------------------------------------------------------------------

# Printed for each candidate: its version, whether it can make environments, and the interpreter
# that stands behind a virtual environment or a version manager's shim.
probe='
import sys
try:
    import ensurepip, venv
    able = "able"
except ImportError:
    able = "unable"
base = getattr(sys, "_base_executable", None) or sys.executable
print("%d.%d %s %s" % (sys.version_info[0], sys.version_info[1], able, base))
'
chosen=""
without_venv=""
unsuitable=""
if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3.13 python3.12 python3.11 python3 python
fi
for candidate; do
    answer=$("$candidate" -c "$probe" 2>/dev/null) || continue
    version=${answer%% *}
    answer=${answer#* }
    able=${answer%% *}
    interpreter=${answer#* }
    case $version in
    3.11 | 3.12 | 3.13)
        if [ "$able" = able ]; then
            chosen=$interpreter
            break
        fi
        [ -n "$without_venv" ] || without_venv="$version ($interpreter)"
        ;;
    *) [ -n "$unsuitable" ] || unsuitable="$version ($interpreter)" ;;
    esac
done

if [ -n "$chosen" ]; then
    :
elif [ -n "$without_venv" ]; then
    package=$(another_python)
    [ "$system" != debian ] || package="python${without_venv%% *}-venv"
    missing "Python $without_venv cannot make virtual environments: its modules venv or ensurepip are not installed." "$package"
elif [ -n "$unsuitable" ]; then
    age="too new (some packages do not exist for it yet)"
    case $unsuitable in
    2.* | 3.?" "* | 3.10" "*) age="too old" ;;
    esac
    missing "Python $unsuitable is $age. $needed; it may stand beside the other." "$(another_python)"
else
    package=$(another_python)
    [ "$system" != debian ] || package="python3 python3-venv"
    missing "Python was not found${PYTHON:+ at $PYTHON}. $needed." "$package"
fi

# --- git and make --------------------------------------------------------------------------------

# On macOS both commands stand in for developer tools that may not be there: so run them.
git --version >/dev/null 2>&1 || missing "git was not found." git
make -n -f /dev/null >/dev/null 2>&1
case $? in
126 | 127) missing "make was not found." make ;;
esac

# --- the answer ----------------------------------------------------------------------------------

if [ -z "$problems" ]; then
    echo "$chosen"
    exit 0
fi

sudo="sudo "
[ "$(id -u)" != 0 ] || sudo=""
{
    echo "Set-up cannot start yet:"
    printf %s "$problems"
    echo "Install what is missing, then give the same command again:"
    case $system in
    debian) [ -z "$packages" ] || echo "    ${sudo}apt-get update && ${sudo}apt-get install$packages" ;;
    fedora) [ -z "$packages" ] || echo "    ${sudo}dnf install$packages" ;;
    macos) [ -z "$packages" ] || echo "    brew install$packages        (git and make also come with: xcode-select --install)" ;;
    other)
        echo "    Debian, Ubuntu:  sudo apt-get install python3 python3-venv git make"
        echo "    Fedora:          sudo dnf install python3.12 git make"
        echo "    macOS:           brew install python@3.13 git make"
        ;;
    esac
    echo "or, on any system that has conda:"
    echo "    conda create --name ipt --channel conda-forge python=3.13 git make && conda activate ipt"
} >&2
exit 1
