"""Every figure of the report; a new one stands in `DRAWN`, and as `drawn(figures.NAME)` in report.html too."""

from analysis.outcomes.findings import Findings
from analysis.report.errormix import errors_figure
from analysis.report.figure import Figure
from analysis.report.forest import forest_figure
from analysis.report.heatmap import heat_figure
from analysis.report.shares import shares_figure
from analysis.report.times import times_figure
from analysis.report.tradeoff import tradeoff_figure

DRAWN = (forest_figure, shares_figure, heat_figure, tradeoff_figure, errors_figure, times_figure)


def figures(found: Findings) -> dict[str, Figure]:
    """By name. A figure that has nothing to show says so; none is left out."""
    return {figure.name: figure for figure in (draw(found) for draw in DRAWN)}
