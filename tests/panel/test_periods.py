import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.periods import parse_date, row_since, row_until


def test_dates_from_text() -> None:
    assert parse_date("2020", "since") == np.datetime64("2020-01-01")
    for text in ("", "NaT", "nat", "20.1.2020"):
        with pytest.raises(UserError, match=f"--end {text} is not a date"):
            parse_date(text, "end")
    dates = np.array(["2020-01-03", "2020-01-06"], dtype="M8[D]")
    assert row_since(dates, "2020-01-04", "since") == 1
    assert row_until(dates, "2020-01-04") == 0
    with pytest.raises(UserError, match="--until 2020-01-02 is before the first date 2020-01-03"):
        row_until(dates, "2020-01-02", "until")
