#!/bin/sh
# Makes .venv with the packages that requirements/ pins: `bootstrap.sh runtime` for running,
# `bootstrap.sh dev` for tests and checks as well. Nothing happens when they are there already.
# Needs a Python of at least 3.12 and nothing else; PYTHON names one.
set -eu
cd "$(dirname "$0")"
set_name=${1:-runtime}
lock=requirements/$set_name.txt
venv=.venv
log=$venv/install-$set_name.log
stamp=$venv/installed-$set_name

say() { printf '%s\n' "$*"; }
stop() { printf '%s\n' "$*" >&2; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }
version_of() { "$1" -c 'import platform; print(platform.python_version())' 2>/dev/null; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" && { python=$PYTHON; return; }
        found=$(version_of "$PYTHON") || stop "PYTHON=$PYTHON cannot be run: give the path of a Python of at least 3.12."
        stop "PYTHON=$PYTHON is Python $found, and Python 3.12 or newer is needed."
    fi
    seen=
    # Each is run, not only found: a shim on PATH may stand for a version that is not there, and
    # hide one that is.
    for name in python3.13 python3.14 python3.12 python3 python; do
        IFS=:
        for folder in $PATH; do
            candidate=$folder/$name
            [ -x "$candidate" ] || continue
            new_enough "$candidate" && { unset IFS; python=$candidate; return; }
            [ -n "$seen" ] || seen=$(version_of "$candidate" | sed "s|.*| (here: $candidate is &)|")
        done
        unset IFS
    done
    stop "Python 3.12 or newer is needed$seen: install it, or name it with PYTHON=/path/to/python make …"
}

# What an installation depends on: the pins, the interpreter, and the place (scripts name it).
wanted() {
    { cat "$lock"; pwd; "$venv/bin/python" -c 'import sys; print(sys.version)'; } | cksum
}

up_to_date() {
    [ -f "$stamp" ] && [ "$(wanted 2>/dev/null)" = "$(cat "$stamp")" ]
}

make_venv() {
    if new_enough "$venv/bin/python" && [ "$(cat $venv/made-in 2>/dev/null)" = "$(pwd)" ]; then
        return
    fi
    find_python
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || stop "Python $(version_of "$python") comes without venv here: install it (Debian, Ubuntu: apt install python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv)."
    say "Making .venv with Python $(version_of "$python") …"
    rm -rf "$venv"
    "$python" -m venv "$venv" || stop "Python could not make .venv; its message stands above."
    # The packages of this project are found from every folder.
    pwd > "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/control-plane.pth"
    pwd > "$venv/made-in"
}

explain() {
    if grep -qE 'NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|SSLError|Network is unreachable' "$log"; then
        stop "The Python package index cannot be reached; check the network (or pip's own configuration) and try again. Details: $log"
    fi
    if grep -q 'DO NOT MATCH THE HASHES' "$log"; then
        stop "A downloaded package differs from the one that $lock pins, so it was not installed. Details: $log"
    fi
    missing=$(sed -n 's/.*No matching distribution found for \([^ ]*\).*/\1/p' "$log" | head -n 1)
    if [ -n "$missing" ]; then
        stop "$missing has no wheel for this platform ($(uname -s) on $(uname -m), Python $(version_of "$venv/bin/python")). Wheels exist for Linux and macOS on x86-64 and ARM64; deploy/Dockerfile builds an image of those."
    fi
    if grep -q 'No space left on device' "$log"; then
        stop "The disk is full: .venv needs about 600 MB."
    fi
    tail -n 5 "$log" >&2
    stop "The packages could not be installed; the whole story is in $log"
}

install() {
    total=$(grep -c '^[a-z0-9].*==' "$lock")
    say "Installing the packages of $lock (once, about a minute) …"
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
        --only-binary :all: --require-hashes -r "$lock" > "$log" 2>&1 &
    pip=$!
    trap 'kill $pip 2>/dev/null; exit 130' INT TERM
    while kill -0 $pip 2>/dev/null; do
        done_so_far=$(grep -cE '^(Collecting|Requirement already)' "$log") || done_so_far=0
        [ -t 1 ] && printf '\r  %s of about %s ' "$done_so_far" "$total"
        sleep 0.3
    done
    [ -t 1 ] && printf '\r                      \r'
    wait $pip || explain
    trap - INT TERM
    wanted > "$stamp"
}

[ -f "$lock" ] || stop "$lock is missing: bootstrap.sh takes \`runtime\` or \`dev\`."
up_to_date && exit 0
make_venv
up_to_date || install
