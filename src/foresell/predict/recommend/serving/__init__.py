"""Recommendations as they are answered: `Request` → candidates → score → rules → rerank → explore → `Answer`.

`knowledge` (all that is read, never changed) → `surfaces` (what is asked) → `pipeline` → `recommender` (what
lives on while customers act and models change).
"""
