"""What turns a score into a portfolio: the TOP-N policy, or that of an enhanced index."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.side_arrays import index_weights
from alpha_lightning.panel.store import Panel
from alpha_lightning.portfolio.enhanced_policy import EnhancedPolicy
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.portfolio.policy import Policy
from alpha_lightning.portfolio.top_n import TopN
from alpha_lightning.risk.build import build_risk_model
from alpha_lightning.risk.model import RiskModel
from alpha_lightning.risk.settings import RiskSettings

DEFAULT_POLICY = TopN()
DEFAULT_ENHANCED = IndexEnhanced()
DEFAULT_RISK = RiskSettings()


@dataclass(frozen=True)
class Wanted:
    """Which policy is asked for.

    Args:
        top: TOP-N, unless an index is to be enhanced.
        enhanced: limits against an index; without one it is TOP-N.
        risk: folder of a risk model; one is estimated for the run when None.
        estimate: how it is.

    Raises:
        UserError: two policies at once, or a risk model for TOP-N.
    """

    top: TopN = DEFAULT_POLICY
    enhanced: IndexEnhanced = DEFAULT_ENHANCED
    risk: str | None = None
    estimate: RiskSettings = DEFAULT_RISK

    def __post_init__(self) -> None:
        if self.enhanced.index and self.top != DEFAULT_POLICY:
            msg = (
                "policy and enhanced are both given: a portfolio is one or the other, leave out"
                " policy for an enhanced index"
            )
            raise UserError(msg)
        if self.risk is not None and not self.enhanced.index:
            msg = "--risk is for an enhanced index: name one (--enhanced.index), or leave it out"
            raise UserError(msg)


@dataclass(frozen=True)
class Choice:
    """A policy that is ready to decide.

    Args:
        policy: it.
        name: of the portfolio.
        told: its settings.
        origin: what it was made with besides the score.
        index: that it is to beat; empty is none.
        warnings: sentences for the reader.
    """

    policy: Policy
    name: str
    told: Mapping[str, Any]
    origin: Mapping[str, Any] = field(default_factory=dict)
    index: str = ""
    warnings: tuple[str, ...] = ()


@contextmanager
def chosen(wanted: Wanted, panel: Panel, score: str) -> Iterator[Choice]:
    """The policy, as long as its risk model is there.

    Args:
        wanted: which.
        panel: on which it decides.
        score: name of the score.

    Raises:
        UserError: the panel has no weights of the index, or the risk model is another panel's.
    """
    settings = wanted.enhanced
    if not settings.index:
        top = wanted.top
        yield Choice(top, f"TOP-{top.names} of {score}", asdict(top))
        return
    # Before anything is estimated.
    index_weights(panel, settings.index)
    with _risk_model(wanted, panel) as model:
        about = {
            "file": wanted.risk,
            "settings": model.meta["settings"],
            "warnings": list(model.warnings),
        }
        yield Choice(
            policy=EnhancedPolicy.of_panel(panel, settings, model),
            name=settings.title(score),
            told=asdict(settings),
            origin={"risk": about},
            index=settings.index,
            warnings=model.warnings,
        )


@contextmanager
def _risk_model(wanted: Wanted, panel: Panel) -> Iterator[RiskModel]:
    if wanted.risk is not None:
        model = RiskModel.open(wanted.risk)
        model.refuse_strangers(panel)
        yield model
        return
    with tempfile.TemporaryDirectory(prefix="risk-") as folder:
        path = build_risk_model(panel, Path(folder) / "risk", wanted.estimate)
        yield RiskModel.open(path)
