"""The command that writes a simulated market as a vendor would deliver it."""

import json
from dataclasses import asdict
from pathlib import Path

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.simulation.market import Market
from alpha_lightning.simulation.settings import DEFAULT_MARKET, MarketSettings, SimulationError
from alpha_lightning.simulation.vendor import tables_of, write_tables

FORMAT_VERSION = 2


def simulate(
    out: str, market: MarketSettings = DEFAULT_MARKET, seed: int = 0, overwrite: bool = False
) -> Path:
    """Write the vendor tables of a simulated market.

    Besides the tables a provider would deliver, the folder holds ``oracle.parquet``, the true
    conditional expectation of coming returns, in whole and by the tables that show its signals, and
    ``market.json``, how it was made. Minute bars and trades, a file a day in ``minute/`` and
    ``trades/``, add up to the daily bars to the cent and the share. The same market and seed give
    the same tables; a longer market begins with the shorter.

    Args:
        out: folder to write.
        market: sizes and character of the market.
        seed: of all random numbers, 0 or more.
        overwrite: replace the folder if it exists.

    Returns:
        The folder.

    Raises:
        SimulationError: the seed is negative.
        ArtefactError: the folder exists or cannot be written.
    """
    if seed < 0:
        msg = f"seed is {seed}: choose 0 or more"
        raise SimulationError(msg)
    folder = Path(out)
    with atomic_folder(folder, overwrite=overwrite, marker="market.json") as draft:
        simulated = Market(market, seed)
        write_tables(simulated, draft)
        about = {
            "format_version": FORMAT_VERSION,
            "simulated": True,
            "seed": seed,
            "first_date": str(simulated.dates[0]),
            "last_date": str(simulated.dates[-1]),
            "tables": tables_of(market.intraday),
            "market": asdict(market),
        }
        (draft / "market.json").write_text(json.dumps(about, indent=2) + "\n")
    return folder
