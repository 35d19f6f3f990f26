"""torchmetrics that count dates: the number of one process is the number of N."""
