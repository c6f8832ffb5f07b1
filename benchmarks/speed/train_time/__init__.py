"""How long a sequence model learns, beside a rival in an environment of its own."""
