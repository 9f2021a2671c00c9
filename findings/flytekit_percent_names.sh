#!/bin/sh
# flytekit: a task returns a file whose name holds a percent sign and two hex digits (`visit%20plan.csv`, a name as web
# downloads leave them). The bytes are stored under that very name, yet the URI in the literal is the name with the
# escape decoded (`visit plan.csv`), under which nothing lies. The run succeeds; whoever reads the output afterwards, the
# next task included, is told that the file does not exist. It hurts flows over downloaded files, and every reader of
# their outputs, who has to look for names that decode to the one in the URI.
#
# Needs Python 3.10 to 3.12. Installs a pinned package into a temporary folder; exits 0 while it is so, 1 when it changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'flytekit==1.16.31'
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import os
import pathlib
import sys
import urllib.parse

from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.data_persistence import FileAccessProvider
from flytekit.core.type_engine import TypeEngine
from flytekit.types.file import FlyteFile

os.makedirs("task", exist_ok=True)
store = pathlib.Path("store").absolute()
access = FileAccessProvider(local_sandbox_dir=str(pathlib.Path("sandbox").absolute()), raw_output_prefix=str(store))
seen = {}
for name in ("plain.csv", "visit%20plan.csv"):
    pathlib.Path("task", name).write_text("a,b\n1,2\n")
    context = FlyteContextManager.current_context()
    with FlyteContextManager.with_context(context.with_file_access(access)) as inner:
        file = FlyteFile(str(pathlib.Path("task", name).absolute()))
        literal = TypeEngine.to_literal(inner, file, FlyteFile, TypeEngine.to_literal_type(FlyteFile))
    uri = literal.scalar.blob.uri
    seen[name] = (uri.rpartition("/")[2], os.path.exists(uri))
stored = sorted(path.name for path in store.rglob("*") if path.is_file())
print("flytekit", importlib.metadata.version("flytekit"))
for name, (last, exists) in seen.items():
    print(f"file {name!r}: the URI ends in {last!r}, and {'is' if exists else 'is not'} there")
print("stored:", stored)
expected = {"plain.csv": ("plain.csv", True), "visit%20plan.csv": (urllib.parse.unquote("visit%20plan.csv"), False)}
sys.exit(0 if seen == expected and stored == ["plain.csv", "visit%20plan.csv"] else 1)
PYTHON
