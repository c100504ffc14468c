"""Checkers: what a lab answers when it is run."""
