"""The shop's folder: tables, raw zone, state, models. Only services (and privacy, to erase) open it."""
