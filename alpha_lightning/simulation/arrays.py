"""Names for the arrays of one day: one value per stock, ``(N,)``."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]
Dates = NDArray[np.datetime64]
