"""Index weights in per cent and a snapshot of industries become vendor tables for `ingest`.

    python scripts/prepare_reference.py --weights csi500_weights_daily.parquet
        --industries industry_2026.parquet --daily bars.parquet --out reference

Writes ``index_members.parquet`` (weights of sum 1 on each date) and ``industries.parquet``, and
says what share of each index has daily bars: no other part can be held. A snapshot has no history,
so its industries are dated the first day of the bars: they look ahead, and results that use them
say so. Shenwan's names of any level are told by their sector of the first level, others as given.

Reference:
    Shenwan Hongyuan Research, industry classification of 2021, for the sectors.
"""

import argparse
import sys
from collections.abc import Sequence

import polars as pl

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.vendor import TableSpec, read_vendor_table

SECTORS = {
    "Agriculture": "农林牧渔 种植业 其他种植业 养殖业 生猪养殖 畜禽饲料 水产饲料 水产养殖 渔业"
    " 林业Ⅱ 果蔬加工",
    "Basic chemicals": "基础化工 化学制品 化学纤维 塑料 橡胶 农药 其他塑料制品 其他橡胶制品 膜材料"
    " 涂料油墨 纺织化学制品 合成树脂 非金属材料Ⅲ 煤化工 氟化工 炭黑 胶黏剂及胶带 锦纶 粘胶 氨纶",
    "Steel": "钢铁 特钢Ⅲ 冶钢原料 冶钢辅料",
    "Non-ferrous metals": "有色金属 金属新材料 其他金属新材料 能源金属 锂 钨 稀土",
    "Electronics": "电子 半导体 模拟芯片设计 半导体设备 集成电路制造",
    "Automobiles": "汽车 汽车零部件 其他汽车零部件 车身附件及饰件 汽车电子电气系统 摩托车",
    "Household appliances": "家用电器 家电零部件Ⅲ 黑色家电 其他黑色家电 个护小家电",
    "Food and beverage": "食品饮料 饮料乳品 软饮料 休闲食品 食品加工 其他酒类 保健品 熟食",
    "Textiles and apparel": "纺织服饰 服装家纺 非运动服装 家纺",
    "Light manufacturing": "轻工制造 其他家居用品 纸包装 包装印刷 印刷 娱乐用品 文娱用品 瓷砖地板",
    "Medicine and biology": "医药生物 化学制药 中药Ⅲ 医疗耗材 原料药 体外诊断",
    "Utilities": "公用事业 燃气Ⅱ 热力服务 电能综合服务 水力发电 核力发电 其他能源发电",
    "Transport": "交通运输 物流 仓储物流 原材料供应链服务 公路货运 高速公路 铁路公路 铁路运输"
    " 航空机场 航空运输",
    "Real estate": "房地产 房地产开发 住宅开发 房产租赁经纪",
    "Commerce": "商贸零售 一般零售 百货 商业物业经营 互联网电商 跨境电商",
    "Social services": "社会服务 专业服务 检测服务 其他专业服务 教育 培训教育 体育Ⅲ",
    "Banks": "银行Ⅱ 城商行Ⅲ 国有大型银行Ⅲ",
    "Non-bank finance": "非银金融 证券Ⅱ 资产管理 期货",
    "Conglomerates": "综合Ⅱ",
    "Building materials": "建筑材料 装修建材 其他建材Ⅲ 水泥制品",
    "Construction": "建筑装饰 工程咨询服务Ⅲ 装修装饰Ⅱ 园林工程 房屋建设Ⅱ",
    "Power equipment": "电力设备 锂电池 电机Ⅲ 光伏设备 光伏电池组件 光伏加工设备 逆变器 风电设备"
    " 风电整机 其他电源设备Ⅱ 其他电源设备Ⅲ 燃料电池",
    "Machinery": "机械设备 其他专用设备 其他通用设备 金属制品 自动化设备 机床工具 机器人 磨具磨料"
    " 工程机械器件",
    "Defence": "国防军工 军工电子Ⅲ 航空装备Ⅱ 航天装备Ⅲ",
    "Computers": "计算机 计算机设备 垂直应用软件 软件开发 安防设备",
    "Media": "传媒 广告营销 广告媒体 大众出版 出版 影视动漫制作 影视院线 电视广播Ⅲ 其他数字媒体"
    " 图片媒体",
    "Telecommunications": "通信 通信服务 通信工程及服务 通信网络设备及器件 通信终端及配件"
    " 其他通信设备",
    "Coal": "煤炭 煤炭开采 动力煤",
    "Petroleum": "石油石化 炼化及贸易 炼油化工 油品石化贸易",
    "Environment": "环保 环境治理 综合环境治理 大气治理",
    "Beauty care": "美容护理 化妆品 化妆品制造及其他 生活用纸",
}
"""Shenwan's 31 sectors of the first level and names of any level that belong to them."""
_WEIGHTS = TableSpec(
    "weights", {"date": "date", "index": "text", "symbol": "text", "weight_pct": "number"}
)
_INDUSTRIES = TableSpec("industries", {"symbol": "text", "industry": "text"})
_DAILY = TableSpec("daily", {"date": "date", "symbol": "text"})
_ODD = 0.02
"""A date's sum this far from 1 is no rounding: the table is not in per cent, or has holes."""


def index_members(weights: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Weights of sum 1 on each date.

    Args:
        weights: date, index (an exchange's suffix is left out), symbol, weight_pct.

    Returns:
        date, index, symbol, weight; and what the sums were, a sentence an index.

    Raises:
        UserError: a weight is missing or negative, a stock is there twice, or a sum is not near
            100 %.
    """
    wrong = weights.filter(~(pl.col("weight_pct") >= 0) | pl.any_horizontal(pl.all().is_null()))
    if wrong.height:
        raise UserError(f"weights: missing or negative for {_named(wrong)}: mend the table")
    made = weights.with_columns(
        pl.col("date").cast(pl.Date), pl.col("index").str.replace(r"\.[A-Z]+$", "")
    )
    twice = made.filter(pl.struct("date", "index", "symbol").is_duplicated())
    if twice.height:
        raise UserError(f"weights: several rows for {_named(twice)}: keep one")
    total = pl.col("weight_pct").sum().over("date", "index")
    made = made.with_columns(total=total / 100, weight=pl.col("weight_pct") / total)
    odd = made.filter((pl.col("total") - 1).abs() > _ODD).sort("date")
    if odd.height:
        raise UserError(
            f"weights: {odd['index'][0]} sums to {100 * odd['total'][0]:.4g} % on {odd['date'][0]},"
            " not to 100 %: give weights in per cent of the whole index"
        )
    columns = ["date", "index", "symbol", "weight"]
    return made.select(columns).sort(columns[:3]), _told_sums(made)


def industries(snapshot: pl.DataFrame, first: object) -> tuple[pl.DataFrame, list[str]]:
    """A snapshot's industries as if known from a date on.

    Args:
        snapshot: symbol, industry.
        first: the date.

    Returns:
        date, symbol, industry by sector; and what was done, in sentences.

    Raises:
        UserError: a stock is there twice.
    """
    twice = snapshot.filter(pl.col("symbol").is_duplicated())
    if twice.height:
        raise UserError(f"industries: several rows for {twice['symbol'][0]}: keep one")
    sectors = {name: sector for sector, names in SECTORS.items() for name in names.split()}
    given = snapshot.drop_nulls()["industry"].unique()
    kept = [name for name in given.sort() if name not in sectors]
    made = snapshot.drop_nulls().select(
        pl.lit(first).cast(pl.Date).alias("date"), "symbol", pl.col("industry").replace(sectors)
    )
    told = [
        f"industries: one snapshot, dated {first}: THIS LOOKS AHEAD. Stocks that changed their"
        " business are in today's industry in all years.",
        f"industries: {len(given)} names in {made['industry'].n_unique()} groups;"
        f" {len(kept)} are no names of Shenwan's that are known here and stay as they are.",
    ]
    return made.sort("symbol"), told


def coverage(members: pl.DataFrame, bars: pl.DataFrame) -> list[str]:
    """What share of each index's weight, and how many constituents, have a bar by the date."""
    listed = bars.group_by("symbol").agg(pl.col("date").min().cast(pl.Date).alias("first"))
    joined = members.join(listed, on="symbol", how="left")
    inside = pl.col("first") <= pl.col("date")
    days = joined.group_by("index", "date").agg(
        share=pl.col("weight").filter(inside).sum(), stocks=inside.sum(), all=pl.len()
    )
    ranges = days.group_by("index").agg(
        low=100 * pl.col("share").min(),
        high=100 * pl.col("share").max(),
        mean=100 * pl.col("share").mean(),
        few=pl.col("stocks").min(),
        many=pl.col("stocks").max(),
        whole=pl.col("all").max(),
    )
    return [
        "{index}: {low:.1f} to {high:.1f} % of the weight (mean {mean:.1f} %) and {few} to {many}"
        " of {whole} constituents have daily bars; the rest cannot be held.".format(**own)
        for own in ranges.sort("index").to_dicts()
    ]


def prepare(weights: str, snapshot: str, daily: str, out: str, *, overwrite: bool) -> list[str]:
    """Write both tables; returns what is worth knowing about them."""
    members, told = index_members(_read(weights, _WEIGHTS))
    bars = _read(daily, _DAILY)
    table, remarks = industries(_read(snapshot, _INDUSTRIES), bars["date"].min())
    without = bars.filter(~pl.col("symbol").is_in(table["symbol"].implode()))["symbol"].n_unique()
    remarks.append(f"industries: {without} of the stocks with daily bars have none.")
    with atomic_folder(out, overwrite=overwrite, marker="index_members.parquet") as folder:
        table.write_parquet(folder / "industries.parquet")
        members.write_parquet(folder / "index_members.parquet")
    return [*told, *coverage(members, bars), *remarks]


def _read(path: str, spec: TableSpec) -> pl.DataFrame:
    return read_vendor_table(path, spec).frame.select(list(spec.required))


def _named(rows: pl.DataFrame) -> str:
    return f"{rows['symbol'][0]} of {rows['index'][0]} on {rows['date'][0]} ({rows.height} rows)"


def _told_sums(made: pl.DataFrame) -> list[str]:
    ranges = made.group_by("index").agg(
        dates=pl.col("date").n_unique(),
        first=pl.col("date").min(),
        last=pl.col("date").max(),
        low=100 * pl.col("total").min(),
        high=100 * pl.col("total").max(),
    )
    return [
        "{index}: {dates} dates, {first} to {last}; weights sum to {low:.4g} to {high:.4g} %,"
        " scaled to 1.".format(**own)
        for own in ranges.sort("index").to_dicts()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare the tables; exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weights", required=True, help="date, index, symbol, weight_pct")
    parser.add_argument("--industries", required=True, help="symbol, industry")
    parser.add_argument("--daily", required=True, help="daily bars, as for ingest")
    parser.add_argument("--out", required=True, help="folder to write")
    parser.add_argument("--overwrite", action="store_true")
    given = parser.parse_args(arguments)
    try:
        told = prepare(
            given.weights, given.industries, given.daily, given.out, overwrite=given.overwrite
        )
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    print("\n".join([*told, given.out]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
