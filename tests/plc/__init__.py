"""Tests of plc."""
