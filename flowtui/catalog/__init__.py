"""From executions to artifacts: the join, the lineage graph, the local index."""
