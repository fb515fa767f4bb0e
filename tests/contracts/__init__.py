"""Behaviour that a stand-in and the real thing share."""
