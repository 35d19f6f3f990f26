"""Scores to target weights: what a policy may know, and what it wants held."""
