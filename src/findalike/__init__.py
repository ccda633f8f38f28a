"""Search a catalogue with a photo."""

__version__ = "0.1.0"
