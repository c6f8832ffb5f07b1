"""What the global trees learn from: rows of many series and origins, with a step ahead each."""
