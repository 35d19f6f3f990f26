"""Scores and forward returns become RankIC, groups and correlations, written as tables."""
