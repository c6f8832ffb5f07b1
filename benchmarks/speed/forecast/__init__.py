"""How many series a second are forecast with intervals, beside rivals in an environment of their own."""
