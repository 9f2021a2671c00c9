#!/bin/sh
# Domino's own Python client in a virtual environment of its own: a test has it upload to the embedded Domino.
# sh scripts/setup_domino.sh [DIRECTORY]
set -eu
venv=${1:-.venv-domino}
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check dominodatalab==2.2.0
