"""What the networks share: windows of many series, a head that tells quantiles, its training with torch."""
