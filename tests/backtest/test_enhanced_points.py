"""Each portfolio of an enhanced grid, and where it is shown."""

from alpha_lightning.backtest.enhanced_points import (
    PAPER,
    EnhancedPoint,
    enhanced_figures,
    enhanced_points,
    file_name,
)
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid, LimitSettings
from alpha_lightning.backtest.paper_tables import paper_table
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced

GRID = EnhancedGrid({"000300": 0.04, "000905": 0.05, "mine": 0.06}, deltas=[0.2, 0.125])


def test_every_portfolio_once_and_in_a_folder_of_its_own() -> None:
    points = enhanced_points(GRID, ["a", "b"])
    assert len(points) == len({point.folder for point in points}) == 2 * 3 * 2 * 2
    assert [point.folder for point in points[:5]] == [
        "a/csi300_d0.20",
        "a/csi300_d0.125",
        "a/csi300_80_d0.20",
        "a/csi300_80_d0.125",
        "a/csi500_d0.20",
    ]
    assert points[-1] == EnhancedPoint("b", "mine", 0.06, 0.8, 0.125)
    assert points[-1].words == "mine 80 %"
    assert points[-1].columns == {"score": "b", "index": "mine", "floor": 0.8, "delta": 0.125}


def test_a_point_has_its_limits_and_those_of_all() -> None:
    point = EnhancedPoint("a", "000905", 0.05, 0.8, 0.3)
    wanted = IndexEnhanced("000905", 0.05, turnover=0.3, floor=0.8, style=0.1)
    assert point.policy(LimitSettings(style=0.1)) == wanted
    free = EnhancedPoint("a", "000905", 0.05, 0.0, 0.3)
    assert free.policy(LimitSettings()).floor is None


def test_the_papers_indices_and_floors_have_the_papers_figures() -> None:
    figures = enhanced_figures(GRID, ["a", "b"])
    numbered = {one["table"]: one["number"] for one in figures if one["number"]}
    assert numbered == dict(zip(PAPER.values(), (18, 19, 20, 21), strict=True))
    others = ["mine", "mine_80"]
    second = ["csi300_b", "csi300_80_b", "csi500_b", "csi500_80_b", "mine_b", "mine_80_b"]
    assert [one["table"] for one in figures if not one["number"]] == others + second
    for name in PAPER.values():
        assert len(paper_table(name)) == 4
    titles = [one["title"] for one in figures]
    assert titles[3] == (
        "CSI500 80 % enhanced by a after cost, tracking error 5 %, by turnover limit"
    )
    other = EnhancedGrid({"000905": 0.05}, floors=[0.7])
    assert [one["table"] for one in enhanced_figures(other, ["a"])] == ["csi500_70"]


def test_an_index_may_be_called_anything() -> None:
    assert file_name("000852", 0.8) == "000852_80"
    assert file_name("SP500", 0) == "sp500"
