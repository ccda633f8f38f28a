"""The use cases: index, evaluate, demo; the only place that combines the kinds."""
