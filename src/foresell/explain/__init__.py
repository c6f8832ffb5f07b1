"""Explanations: why a KPI changed."""
