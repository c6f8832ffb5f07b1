"""The HTTP API: parse, ask who it is, call a service, answer."""
