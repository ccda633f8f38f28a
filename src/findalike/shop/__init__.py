"""The front door: a shop is an encoder, an index and its products."""
