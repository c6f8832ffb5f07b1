"""Raw files to canonical tables: readers, mappings, presets."""
