"""What `synthmed filter` looks for: one check a file, and the registry of them."""
