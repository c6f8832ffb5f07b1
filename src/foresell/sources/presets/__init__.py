"""Known exports, one a file: which of their files and columns are what."""
