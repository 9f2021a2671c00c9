"""The file of a flow: its module name, where it is imported from, and the version that its code has."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from flowtui.errors import UsageError

VERSION_LENGTH = 22
_PRELOADABLE = frozenset({"numpy", "pandas", "pyarrow", "PIL", "fpdf", "pyreadstat"})
"""Libraries that may be loaded before a fork: loading them starts nothing that a fork would break."""
_FOREIGN = frozenset({"site-packages", ".venv", "venv", "node_modules"})


def _file_of(module: object) -> object:
    try:
        # Asking a lazy module of flytekit in the plain way would import pandas or torch.
        return object.__getattribute__(module, "__dict__").get("__file__")
    except AttributeError:
        return None  # what cffi puts among the modules is none


def flytekit_version() -> str:
    import flytekit

    return str(flytekit.__version__)


@dataclass(frozen=True)
class FlowFile:
    """A Python file with flows.

    Attributes:
        path: the file, absolute.
        root: the first folder above that is no package; modules are imported from there, as pyflyte does.
        module: the name of its module seen from ``root``.
        folder: the working folder of its tasks and jobs.
    """

    path: Path
    root: Path
    module: str
    folder: Path

    @classmethod
    def of(cls, path: Path) -> FlowFile:
        """The flow file at a path.

        Raises:
            UsageError: there is no such file, or its name is no module name.
        """
        path = path.absolute()
        if not path.is_file():
            raise UsageError(f"There is no file {path}.")
        if path.suffix != ".py" or "." in path.stem:
            raise UsageError(f"{path.name} is no module name: a flow is a Python file like flow.py.")
        if path.stem == "__init__":
            raise UsageError(f"{path} is a package; name the file in it that holds the workflow.")
        root = path.parent
        parts = [path.stem]
        while (root / "__init__.py").exists() and root != root.parent:
            parts.insert(0, root.name)
            root = root.parent
        return cls(path, root, ".".join(parts), path.parent)

    def copied(self, root: Path) -> FlowFile:
        """The same flow with its code copied below another root; its jobs still run in the original folder."""
        path = root.joinpath(*self.module.split(".")).with_suffix(".py")
        return FlowFile(path, root, self.module, self.folder if self.folder.is_dir() else path.parent)

    def preload(self) -> list[str]:
        """Heavy libraries that the file imports and that may be loaded once for all its tasks."""
        try:
            tree = ast.parse(self.path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            return []
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.split(".")[0])
        return sorted(names & _PRELOADABLE)

    def sources(self) -> dict[str, str]:
        """Hash of every loaded module in the file's folder, and of the packages above it, by path from ``root``."""
        beside = f"{self.path.parent}{os.sep}"
        above = {str(folder / "__init__.py") for folder in self.path.parents if folder.is_relative_to(self.root)}
        found: dict[str, str] = {}
        for module in list(sys.modules.values()):
            name = _file_of(module)
            if not isinstance(name, str) or not name.endswith(".py") or not (name.startswith(beside) or name in above):
                continue
            relative = Path(name).relative_to(self.root).as_posix()
            if not _FOREIGN & set(relative.split("/")):
                found[relative] = hashlib.sha256(Path(name).read_bytes()).hexdigest()
        return dict(sorted(found.items()))

    def version(self, specs: list[dict[str, str]]) -> tuple[dict[str, str], str]:
        """The sources and a version that changes with them, with flytekit, and with what the flow compiles to."""
        sources = self.sources()
        # The workflow that is run comes first in specs, yet all workflows of a file have one version.
        specs = sorted(specs, key=lambda spec: (spec["kind"], spec["spec"]))
        facts = json.dumps([sources, specs, flytekit_version()], sort_keys=True)
        digest = base64.urlsafe_b64encode(hashlib.sha256(facts.encode()).digest()).decode()
        return sources, digest.replace("-", "a").replace("_", "b")[:VERSION_LENGTH]
