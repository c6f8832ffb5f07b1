"""Features of a million customers from fifty million events, against SQL written by hand."""
