"""The factor risk model: exposures, factor returns, covariances, specific risk."""
