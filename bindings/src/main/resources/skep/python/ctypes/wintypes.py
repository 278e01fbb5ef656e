"""Nothing here is Windows."""
