"""Feature extractors, one a file; ``synthmed.measures.features`` opens them by name."""
