"""One file a group of paths below ``/v1``."""
