"""How to look at a study in W&B, in words: a dashboard is a server's and cannot be shipped."""

from alpha_lightning.study.settings import StudySettings

_VIEW = """\
W&B: the runs of this study are in project {project}, one a network and one called summary.
  view: Workspace > filter job_type = fit, group by config.unit (then dataset, vintage),
        colour by config.seed; panels: valid/rank_ic against epoch, train/grad_norm,
        valid/factor_correlation, train/samples_per_s, and the table valid/ic_by_date
  RankIC by seed, averages against the E(IC) identity, report and figures: run summary"""


def dashboard_text(study: StudySettings) -> str:
    """What to do in W&B to see IC by seed, and how offline runs get there; empty without W&B.

    Args:
        study: settings.

    Example:
        >>> from alpha_lightning.study.settings import SourceSettings
        >>> dashboard_text(StudySettings("mine", ["a.yaml"], [2022], "x", SourceSettings("panel")))
        ''
    """
    if study.tracking.mode is None:
        return ""
    from alpha_lightning.factors.wandb_runs import goes_online

    entity, project = study.tracking.entity, study.tracking.project
    text = _VIEW.format(project=f"{entity}/{project}" if entity else project)
    if study.tracking.mode == "offline" or not goes_online(None):
        text += f"\n  offline runs go there with: wandb sync {study.folder}/wandb/offline-run-*"
    return text
