"""How fast customers are scored whose features are there."""
