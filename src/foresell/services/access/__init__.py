"""Who may ask what: accounts, keys, roles, sessions, and the log of what they did."""
