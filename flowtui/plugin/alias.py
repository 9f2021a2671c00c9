"""Makes the plugin core importable as ``flytekitplugins.domino.{artifact,task,helpers,file}``.

flytekit imports this module at the end of its own import, through the entry point group ``flytekit.plugins``. The
finder stands last in ``sys.meta_path``, so that whatever is installed under that path wins; a module has one object
under both names. Importing it a second time changes nothing.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

_NAMESPACE = "flytekitplugins"
_PACKAGE = f"{_NAMESPACE}.domino"
MODULES = {f"{_PACKAGE}.{name}": f"flowtui.plugin.{name}" for name in ("artifact", "task", "helpers", "file")}


class _NamespacePath:
    """Folders of the namespace package on ``sys.path``, also those that come later."""

    def __iter__(self) -> Iterator[str]:
        return (str(path) for entry in sys.path if (path := Path(entry or ".") / _NAMESPACE).is_dir())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, index: int) -> str:
        return list(self)[index]


class _PackageLoader(Loader):
    """An empty package."""

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


class _AliasLoader(Loader):
    """Gives the module of the core itself, with its own name and spec."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(MODULES[spec.name])
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


class AliasFinder(MetaPathFinder):
    """Finds the aliases where nothing else does, and only below a package that is an alias itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in (_NAMESPACE, _PACKAGE):
            spec = ModuleSpec(fullname, _PackageLoader(), is_package=True)
            if fullname == _NAMESPACE:
                spec.submodule_search_locations = _NamespacePath()  # type: ignore[assignment]
            return spec
        if fullname in MODULES and _is_ours(sys.modules.get(_PACKAGE)):
            return ModuleSpec(fullname, _AliasLoader(), origin=MODULES[fullname])
        return None


def _is_ours(package: Any) -> bool:
    return isinstance(getattr(package, "__loader__", None), _PackageLoader)


def install() -> None:
    """Put the finder last; done on import."""
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.append(AliasFinder())
    # Artifacts may have been imported before flytekit was.
    if "flowtui.plugin.artifact" in sys.modules:
        from flowtui.plugin import duplicates

        duplicates.install()


install()
