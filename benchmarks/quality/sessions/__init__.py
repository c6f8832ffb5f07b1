"""Which product comes next in a session: every recommender on sessions as SR-GNN and GCE-GNN split them."""
