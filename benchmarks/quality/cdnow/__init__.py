"""BG/NBD and Gamma-Gamma as published on CDNOW, and what is ordered in the 39 weeks after."""
