"""What happens now: state machines, interlocks, reconciliation and the one step that runs them.

Pure and synchronous: time, inputs and commands arrive as values, outputs and events leave as values.
"""
