"""The console: pages that people work in. Parse what was asked, call a service, show the answer.

A process of its own (`python -m foresell.console`), started by `foresell serve`. A page holds no business
logic and never opens the store itself; what it shows comes from `services`, in a thread, so that no page
ever freezes another. No other host is asked for anything.
"""
