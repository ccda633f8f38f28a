"""The stages of collecting pairs from Amazon Reviews."""
