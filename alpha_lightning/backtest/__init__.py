"""Target weights and a market to trades, holdings, costs and results."""
