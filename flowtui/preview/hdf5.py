"""HDF5 files, as Keras, h5py, MATLAB and NetCDF 4 write them: groups, datasets with types and shapes, attributes.

h5py reads them, in a worker. Only what describes the data is read: links to other files are named and not followed, and
of datasets only the smallest are looked into, where they lie in the file uncompressed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.model_tree import Tensor, facts_of, parameters_of, tensor_table
from flowtui.preview.partial import PartialFile
from flowtui.preview.result import Preview, TreeNode
from flowtui.preview.value_words import text_words
from flowtui.preview.worker import Request
from flowtui.text import cut

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_MOST_ATTRIBUTE = 64 * 1024
_MOST_ATTRIBUTES = 100
_MOST_VALUES = 8
_FACTS = ("keras_version", "backend", "Conventions", "title", "MATLAB_class", "_NCProperties")
_INNER = ("_Netcdf4Coordinates", "_Netcdf4Dimid", "REFERENCE_LIST", "DIMENSION_LIST", "CLASS", "NAME")


def accepts(subject: Subject) -> bool:
    """By its first bytes."""
    return subject.sniffed.magic == "hdf5"


async def show(subject: Subject) -> Preview:
    return await subject.workers.show(tree_of, subject)


def tree_of(file: BinaryIO, request: Request) -> Preview:
    """The preview of an HDF5 file; runs in a worker."""
    import h5py

    limits = request.limits
    # What describes the data may lie anywhere among it.
    most = (64 if request.is_local else 1) * max(limits.whole, limits.head)
    part = PartialFile(file, most)
    try:
        with h5py.File(part, "r") as opened:
            walk = _Walk(h5py, limits.nodes, limits.depth, limits.cell)
            root = walk.group("", opened, "", 0)
            facts = [(name, _attribute(opened, name)) for name in _FACTS if name in opened.attrs]
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError) as error:
        if part.cut:
            raise PreviewError("an HDF5 file whose description needs more of it than a preview reads") from error
        raise PreviewError("an HDF5 file that is cut or damaged") from error
    columns, rows = tensor_table(walk.datasets, limits)
    more = " at least" if walk.is_cut else ""
    facts += [
        ("datasets", f"{len(walk.datasets):,}{more}"),
        ("elements", f"{parameters_of(walk.datasets):,}{more}"),
    ]
    notices = [f"the tree shows the first {limits.nodes:,} values"] if walk.is_cut else []
    if walk.is_deep:
        notices.append(f"levels below {limits.depth:,} are left out of the tree")
    if walk.outside:
        notices.append(f"{walk.outside:,} links lead to other files, which are not looked into")
    if walk.unread:
        notices.append(f"{walk.unread:,} members could not be read")
    return Preview(
        kind="tree", tree=root, columns=columns, rows=rows, notices=tuple(notices), more=walk.is_cut, format="hdf5",
        facts=facts_of(facts, limits),
    )  # fmt: skip


class _Walk:
    """Goes through the groups of a file within limits; a group that is linked twice is shown once."""

    def __init__(self, h5py: Any, nodes: int, depth: int, width: int) -> None:
        self._h5py = h5py
        self._left = max(nodes - 1, 0)
        self._depth = depth
        self._width = width
        self._seen: set[Any] = set()
        self.datasets: list[Tensor] = []
        self.is_cut = False
        self.is_deep = False
        self.outside = 0
        self.unread = 0

    def group(self, label: str, group: Any, path: str, level: int) -> TreeNode:
        """The node of a group with its attributes and members."""
        address = self._h5py.h5o.get_info(group.id).addr
        value = self._name_of(group, path)
        if address in self._seen:
            return self._node(label, "shown above")
        self._seen.add(address)
        if level >= self._depth:
            self.is_deep = self.is_deep or bool(len(group))
            return self._node(label, value)
        children = self._attributes(group)
        names = [str(name) for name in group]
        # Variables are numbered: 10 comes after 9.
        for name in sorted(names, key=int) if all(one.isascii() and one.isdigit() for one in names) else names:
            if not self._takes():
                break
            inner = f"{path}/{name}" if path else name
            children.append(self._member(name, group, inner, level))
        return self._node(label, value, tuple(children))

    def _member(self, name: str, group: Any, path: str, level: int) -> TreeNode:
        link = group.get(name, getlink=True)
        if isinstance(link, self._h5py.ExternalLink):
            self.outside += 1
            return self._node(name, f"link to {link.path} of the file {link.filename}")
        if isinstance(link, self._h5py.SoftLink):
            return self._node(name, f"link to {link.path}")
        try:
            member = group[name]
        except (OSError, RuntimeError, KeyError, ValueError):
            self.unread += 1
            return self._node(name, "not readable")
        if isinstance(member, self._h5py.Group):
            return self.group(name, member, path, level + 1)
        if isinstance(member, self._h5py.Dataset):
            return self._dataset(name, member, path, level)
        return self._node(name, "a data type")

    def _dataset(self, name: str, dataset: Any, path: str, level: int) -> TreeNode:
        shape = dataset.shape
        dtype = _dtype(self._h5py, dataset.dtype)
        if shape is None:
            return self._node(name, f"{dtype}, empty")
        tensor = Tensor(path, dtype, tuple(int(length) for length in shape))
        self.datasets.append(tensor)
        words = f"{dtype} {tensor.words}"
        values = _values(dataset)
        children = self._attributes(dataset) if level < self._depth - 1 else []
        return self._node(name, f"{words}: {values}" if values else words, tuple(children))

    def _attributes(self, owner: Any) -> list[TreeNode]:
        nodes: list[TreeNode] = []
        for name in list(owner.attrs)[:_MOST_ATTRIBUTES]:
            if name in _INNER:
                continue
            if not self._takes():
                break
            nodes.append(self._node(f"@{name}", _attribute(owner, name)))
        return nodes

    def _name_of(self, group: Any, path: str) -> str:
        """What a group of Keras 3 is of: its own name is that of the class, and only counted."""
        if not isinstance(group.get("vars", getlink=True), self._h5py.HardLink):
            return ""
        inner = group.get("vars")
        if not isinstance(inner, self._h5py.Group) or "name" not in inner.attrs:
            return ""
        name = _attribute(inner, "name")
        return f"layer {name}" if "layers" in path.split("/") else name

    def _takes(self) -> bool:
        if not self._left:
            self.is_cut = True
            return False
        self._left -= 1
        return True

    def _node(self, label: str, value: str, children: tuple[TreeNode, ...] = ()) -> TreeNode:
        return TreeNode(cut(label, self._width), cut(value, self._width), children)


def _attribute(owner: Any, name: str) -> str:
    """An attribute in words; one that is large, or of a kind that h5py does not read, is only named."""
    try:
        stored = owner.attrs.get_id(name)
        if 0 in stored.shape:
            # HDF5 tells no size of what has no values.
            return "[]"
        size = stored.get_storage_size()
        if size > _MOST_ATTRIBUTE:
            return f"{size:,} bytes"
        return _words(owner.attrs[name])
    except (OSError, RuntimeError, ValueError, TypeError, KeyError):
        return "not readable"


def _words(value: Any) -> str:
    """A value of h5py: text, a number as numpy writes it, the first values of an array."""
    if isinstance(value, bytes):
        return text_words(value.decode("utf-8", "replace"))
    if isinstance(value, str):
        return text_words(value)
    shape = getattr(value, "shape", None)
    if shape is None or type(value).__name__ == "Empty":
        return "" if type(value).__name__ == "Empty" else str(value)
    if shape == ():
        return _words(value.item()) if value.dtype.kind in "OSU" else str(value)
    flat = value.ravel()
    shown = ", ".join(_words(one) for one in flat[:_MOST_VALUES])
    return f"[{shown}{', …' if flat.size > _MOST_VALUES else ''}]"


def _values(dataset: Any) -> str:
    """The values of a small dataset of numbers that lies in the file itself as it is."""
    is_plain = dataset.chunks is None and not dataset.external and not dataset.is_virtual
    if not is_plain or dataset.size > _MOST_VALUES or dataset.dtype.kind not in "biuf":
        return ""
    try:
        return _words(dataset[()]).strip("[]")
    except (OSError, RuntimeError, ValueError, TypeError):
        return "not readable"


def _dtype(h5py: Any, dtype: Any) -> str:
    text = h5py.check_string_dtype(dtype)
    if text is not None:
        return "string" if text.length is None else f"string[{text.length}]"
    names = h5py.check_enum_dtype(dtype)
    if names is not None:
        return f"enumeration of {len(names):,}"
    if h5py.check_vlen_dtype(dtype) is not None:
        return "lists"
    if h5py.check_ref_dtype(dtype) is not None:
        return "reference"
    if dtype.names:
        return "{" + ", ".join(f"{name}: {dtype[name].name}" for name in dtype.names[:50]) + "}"
    return str(dtype.name)
