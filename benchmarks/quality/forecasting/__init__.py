"""How well many series are foretold, against the best simple tools, on files of one form."""
