#!/bin/sh
# Makes the virtual environment $1 with flowtui, all its extras and the development tools.
# Takes uv where it is installed or can be, else pip; the newest Python from 3.10 to 3.12, else 3.13 without flytekit.
set -eu
venv=${1:-.venv}

works() { "$1" -c 'import sys, ssl, sqlite3, venv; sys.exit(0 if (3, 10) <= sys.version_info < (3, 14) else 1)' 2>/dev/null; }

pythons() {
    for minor in 12 11 10; do
        echo "python3.$minor"
        if command -v pyenv >/dev/null 2>&1; then
            for found in "$(pyenv root)"/versions/3."$minor".*/bin/python3; do echo "$found"; done
        fi
        if command -v uv >/dev/null 2>&1; then uv python find --no-project --no-python-downloads "3.$minor" 2>/dev/null || true; fi
    done
    echo python3
    echo python3.13
}

python=
while IFS= read -r candidate; do
    if works "$candidate"; then
        python=$(command -v "$candidate")
        break
    fi
done <<EOF
$(pythons)
EOF
if [ -z "$python" ]; then
    echo "flowtui needs Python 3.10 to 3.13 and found none. Install one, 3.12 is best: 'uv python install 3.12' or your system's packages." >&2
    exit 1
fi
echo "Setting up $venv with $("$python" --version)"
if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --allow-existing --python "$python" "$venv"
    VIRTUAL_ENV=$venv uv pip install --quiet -e '.[all]' --group dev
else
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --upgrade 'pip>=25.1'
    # pip may try versions of the stores' libraries for an hour; uv finds those that fit in seconds.
    if ! { "$venv/bin/python" -m pip install --quiet uv &&
        VIRTUAL_ENV=$venv "$venv/bin/uv" pip install --quiet -e '.[all]' --group dev; }; then
        "$venv/bin/python" -m pip install --quiet -e '.[all]' --group dev
    fi
fi
if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then
    echo "This is Python 3.13: flytekit does not support it, so flows cannot be run here. The browser works." >&2
    echo "For the demo and 'flowtui run' install Python 3.12 ('uv python install 3.12') and run 'make clean' first." >&2
fi
