"""Is a world of default settings like real shops? Distances, each from one named real set."""
