"""Factor matrices to scores: walk-forward LightGBM, averages of scores, baselines."""
