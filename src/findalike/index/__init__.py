"""Where images are kept and searched: the engine interface, the filter language, the engines."""
