"""Metrics on ranked ids, exact rankings, statistics and reports; needs neither torch nor files."""
