"""The value of a policy, told from another policy's log, against the policy's own log (Open Bandit)."""
