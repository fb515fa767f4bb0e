"""The frozen vocabulary: what the site, its signals, commands, events and faults are called.

Nothing here decides; every other package speaks these words.
"""
