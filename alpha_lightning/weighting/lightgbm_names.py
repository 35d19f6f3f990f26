"""Which names LightGBM knows: it takes no notice of those that it does not."""

from collections.abc import Iterable


def unknown_parameters(names: Iterable[str]) -> list[str]:
    """Those that are no main name of a LightGBM parameter, such as an alias or a slip of the pen.

    Args:
        names: of parameters.

    Example:
        >>> unknown_parameters(["max_depth", "max_dept", "eta"])
        ['max_dept', 'eta']
    """
    asked = list(names)
    if not asked:
        return []  # to load the library takes a second
    from lightgbm.basic import _ConfigAliases

    known = _ConfigAliases._get_all_param_aliases()
    return [name for name in asked if name not in known]
