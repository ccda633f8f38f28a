"""The command line: one file a command; each parses, calls a use case or a shop, and prints.

``main`` collects the commands. What is heavy is imported inside them, so that ``--help`` is quick.
"""
