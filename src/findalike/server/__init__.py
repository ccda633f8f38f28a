"""The HTTP service of a shop: search, catalogue, page and widget."""
