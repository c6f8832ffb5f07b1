"""The shape of everything: tables, results, settings, errors. Imports nothing else of Foresell."""
