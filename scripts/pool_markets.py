"""One study on several simulated markets, and its RankICs pooled over them.

    python scripts/pool_markets.py configs/studies/datasets.yaml --out runs/markets --seeds 0 1 2
    python scripts/pool_markets.py configs/studies/noise.yaml --out runs/noise --seeds 0 1 2 3 4

Every market is the study's own with another seed. Options after ``--`` go to ``study run``. Markets
that are done are not run again. Prints one row a score: the mean over the markets of RankIC at the
training horizon, the standard error of that mean from the markets' own Newey-West errors and from
the spread between markets, the share of the oracle's RankIC, and what each subset of the data sets
differs from all of them. Markets are independent, which dates of one market are not. Where the
market plants nothing (``signal: 0``) it counts, over all scores and horizons, the RankICs beyond
three errors, and how many chance would bring.
"""

import argparse
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

LABEL = "10g"


def read_market(study: Path) -> Any:
    """The settings of the study's market."""
    return yaml.safe_load(Path(yaml.safe_load(study.read_text())["source"]["market"]).read_text())


def run_market(study: Path, seed: int, out: Path, options: list[str]) -> Path:
    """The study on one market; its folder."""
    market = read_market(study) | {"seed": seed}
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"market-{seed}.yaml"
    file.write_text(yaml.safe_dump(market, sort_keys=False))
    folder = out / f"seed-{seed}"
    own = ["--source.market", str(file), "--out", str(folder), *options]
    command = [sys.executable, "-m", "alpha_lightning", "study", "run", str(study), *own]
    subprocess.run(command, check=True)
    return folder


def read_tables(folders: list[Path], name: str) -> Any:
    """A table of every market, one below the other."""
    files = [folder / "evaluation" / "tables" / f"{name}.csv" for folder in folders]
    parts = [pd.read_csv(file) if file.exists() else pd.DataFrame() for file in files]
    return pd.concat(
        [part.assign(market=folder.name) for part, folder in zip(parts, folders, strict=True)],
        ignore_index=True,
    )


def pooled(values: Any, errors: Any) -> tuple[float, float, float]:
    """Mean over markets, its error from the markets' own errors, and from their spread."""
    count = len(values)
    within = math.sqrt(float((errors**2).sum())) / count
    between = float(values.std(ddof=1)) / math.sqrt(count) if count > 1 else math.nan
    return float(values.mean()), within, between


def scores_table(folders: list[Path]) -> Any:
    """RankIC and share of the oracle by score, pooled."""
    shares = read_tables(folders, "share_of_attainable")
    # Where nothing can be forecast the oracle has no RankIC.
    shares = shares[(shares["horizon"] == LABEL) & shares["rank_ic_pct"].notna()]
    rows = []
    for (level, score), part in shares.groupby(["level", "score"], sort=False):
        mean, within, between = pooled(part["rank_ic_pct"], part["rank_ic_se_pct"])
        share, share_error, _ = pooled(part["share_pct"], part["share_se_pct"])
        row = {"level": level, "score": score, "rank_ic_pct": mean, "se_pct": within}
        row |= {"se_between_pct": between, "t": mean / within if within else math.nan}
        rows.append(row | {"share_pct": share, "share_se_pct": share_error})
    return pd.DataFrame(rows)


def value_table(folders: list[Path]) -> Any:
    """What each subset of the data sets lacks to all of them, pooled."""
    value = read_tables(folders, "dataset_value")
    everything = value.loc[value["role"] == "all", "datasets"].iloc[0]
    value = value[(value["horizon"] == LABEL) & (value["datasets"] != everything)]
    rows = []
    for (score, datasets), part in value.groupby(["score", "datasets"], sort=False):
        once = part.drop_duplicates("market")  # a subset may play two roles
        mean, within, between = pooled(once["difference_pct"], once["difference_se_pct"])
        row = {"score": score, "datasets": datasets, "rank_ic_pct": once["rank_ic_pct"].mean()}
        row |= {"difference_pct": mean, "se_pct": within, "se_between_pct": between}
        rows.append(row | {"t": mean / within, "markets": len(once)})
    return pd.DataFrame(rows)


def noise_summary(folders: list[Path]) -> str:
    """How many RankICs are beyond three standard errors of 0."""
    shares = read_tables(folders, "share_of_attainable")
    shares = shares[(shares["level"] != "oracle") & (shares["rank_ic_se_pct"] > 0)]
    beyond = shares["rank_ic_pct"].abs() > 3 * shares["rank_ic_se_pct"]
    chance = math.erfc(3 / math.sqrt(2)) * len(shares)
    lines = [
        f"{int(beyond.sum())} of {len(shares)} RankICs of single markets beyond 3 errors;"
        f" {chance:.1f} are expected by chance"
    ]
    for _, row in shares[beyond].iterrows():
        lines.append(
            f"  {row['market']} {row['score']} {row['horizon']}:"
            f" {row['rank_ic_pct']:.2f} ± {row['rank_ic_se_pct']:.2f} %"
        )
    together = [
        (score, horizon, *pooled(part["rank_ic_pct"], part["rank_ic_se_pct"])[:2])
        for (score, horizon), part in shares.groupby(["score", "horizon"])
    ]
    largest = max(together, key=lambda row: abs(row[2] / row[3]))
    above = sum(abs(mean) > 3 * error for _, _, mean, error in together)
    lines.append(
        f"{above} of {len(together)} pooled over {len(folders)} markets beyond 3 errors; the"
        f" largest is {largest[0]} {largest[1]}: {largest[2]:.2f} ± {largest[3]:.2f} %"
    )
    return "\n".join(lines)


def main() -> None:
    """Run what is not done, then pool."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("options", nargs="*", help="of study run, after --")
    given = parser.parse_args()
    folders = [run_market(given.study, seed, given.out, given.options) for seed in given.seeds]
    pd.set_option("display.width", 160)
    print(scores_table(folders).round(2).to_string(index=False))
    value = read_tables(folders, "dataset_value")
    if len(value):
        print("\nsubsets of the data sets, and their difference to all of them:")
        print(value_table(folders).round(2).to_string(index=False))
    if read_market(given.study)["market"].get("signal") == 0:
        print(f"\n{noise_summary(folders)}")


if __name__ == "__main__":
    main()
