"""From executions to artifacts: the join, the lineage graph, the local index."""

from flowtui.catalog.bookmarks import Bookmarks
from flowtui.catalog.cache import ResponseCache
from flowtui.catalog.catalog import Catalog

__all__ = ["Bookmarks", "Catalog", "ResponseCache"]
