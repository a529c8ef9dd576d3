"""One cell of the study: many data sets of one design and one world, every interval on each, and what held."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import _intervals as made
import numpy as np
from _designs import Design
from _intervals import Batch, Interval
from _worlds import Floats, World
from scipy import special

from analysis.inference.bootstrap import Draws, Table, draw, mean_differences
from analysis.inference.layout import layout_of
from analysis.inference.orh import orh
from analysis.inference.rates import with_effective_n
from analysis.inference.refusals import refuse_design
from analysis.inference.reml import reml
from analysis.inference.robust import robust
from analysis.inference.twoway import twoway

AT_ONCE = 50
CHECKED = 3  # data sets of each cell that the package's own functions are given too

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Size:
    """Data sets of a cell; of them those with bootstrap draws, and with a mixed model where that is quick."""

    seed: int
    sets: int
    with_draws: int
    with_reml: int
    draws: int = 999


@dataclass(slots=True)
class Kept:
    """How many data sets a method was given, gave an interval for, and held the truth in; the sum of its widths."""

    sets: int = 0
    given: int = 0
    held: int = 0
    width: float = 0.0

    def add(self, interval: Interval, truth: float) -> None:
        low, high = interval
        there = np.isfinite(low) & np.isfinite(high)
        self.sets += low.size
        self.given += int(there.sum())
        self.held += int(((low <= truth) & (truth <= high) & there).sum())
        self.width += float((high - low)[there].sum())


@dataclass(slots=True)
class Cell:
    design: str
    group: str
    world: str
    truth: float
    methods: dict[str, Kept] = field(default_factory=dict)
    values: list[Floats] = field(default_factory=list)

    def add(self, name: str, interval: Interval) -> None:
        self.methods.setdefault(name, Kept()).add(interval, self.truth)

    def record(self) -> dict[str, object]:
        """As JSON has it: coverage among intervals given, width relative to ± 1.96 true standard errors."""
        values = np.concatenate(self.values)
        oracle = 2 * 1.959964 * float(values.std(ddof=1))
        return {
            "design": self.design,
            "group": self.group,
            "world": self.world,
            "truth": self.truth,
            "bias": float(values.mean()) - self.truth,
            "sd": float(values.std(ddof=1)),
            "methods": {
                name: {
                    "sets": kept.sets,
                    "given": kept.given,
                    "held": kept.held,
                    "coverage": kept.held / kept.given if kept.given else None,
                    "width": kept.width / kept.given / oracle if kept.given else None,
                }
                for name, kept in self.methods.items()
            },
        }


def run(design: Design, world: World, size: Size) -> dict[str, object]:
    """The whole cell from its own seed: the same whichever process runs it, and whatever runs beside it."""
    rng = np.random.default_rng([size.seed, zlib.crc32(f"{design.name}/{world.name}".encode())])
    cell = Cell(design.name, design.group, world.name, world.truth)
    for start in range(0, size.sets, AT_ONCE):
        mask = design.reads(rng)
        mask = mask[:, mask.any(axis=0)]
        here = min(AT_ONCE, size.sets - start)
        batch = Batch.of(mask, world.sides(rng, (here, *mask.shape)))
        cell.values.append(batch.value)
        if start == 0:
            check(batch, world, min(CHECKED, here))
        for name, interval in closed_forms(batch, world):
            cell.add(name, interval)
        modelled = _share(size.with_reml, start, here, size.sets)
        if modelled and batch.plain and not world.bounded:
            cell.add("REML", mixed(batch, modelled))
        drawn = _share(size.with_draws, start, here, size.sets)
        if drawn:
            draws = draw(int(rng.integers(2**32)), size.draws, *mask.shape)
            for name, (low, high) in made.bootstraps(batch, draws, drawn):
                cell.add(f"{name} bootstrap", (low, high))
                if start == 0 and name == "crossed":
                    check_draws(batch, draws, low, high)
    return cell.record()


def _share(of: int, start: int, here: int, sets: int) -> int:
    """How many of this batch's data sets are among `of` that are spread evenly over all."""
    return of * (start + here) // sets - of * start // sets


def closed_forms(batch: Batch, world: World) -> Iterator[tuple[str, Interval]]:
    """Every interval that needs neither random numbers nor iteration."""
    mask, value = batch.mask, batch.value
    scale = made.on_logit if world.bounded else made.around
    own = batch.influence if world.bounded else batch.pair_values  # a respondent alone goes through influences
    weights = made.weights_by(mask)
    default, products, centred, every_pair, differences = (
        find(own, mask)
        for find in (
            made.default_components,
            made.product_components,
            made.centred_components,
            made.every_pair_components,
            made.semivariance_components,
        )
    )
    if refuse_design(layout_of(mask)) is None:
        ways = {DEFAULT: default, "products": products, "products about the mean": centred}
        ways |= {"differences, all pairs alike": every_pair, "semivariances": differences}
        for name, components in ways.items():
            found = made.two_way(components, weights["pair"], mask)
            yield name, score(value, found) if world.name == "rate" else scale(value, found.half)
            for by in ("case", "reader") if batch.plain and not world.bounded else ():
                weighted = (own * weights[by]).sum((1, 2))
                yield f"{name}, {by} weights", made.around(weighted, made.two_way(components, weights[by], mask).half)
        if world.name == "rate":
            yield "logit t", scale(value, made.two_way(default, weights["pair"], mask).half)
        yield "robust", made.robust(batch)
        if mask.all() and batch.plain and not world.bounded:
            yield "ORH", made.orh(batch)
    yield "readings t", made.observation_t(batch)
    if world.bounded:
        yield "Wilson", made.wilson(value, batch.sides[0].below.sum((1, 2)))


def score(value: Floats, found: made.TwoWay) -> Interval:
    """Of a rate: Wilson's, for as many trials as its variance is worth, with its degrees of freedom."""
    return made.wilson(value, value * (1 - value) / found.se**2, special.stdtrit(found.df, made.TAILS[1]))


def mixed(batch: Batch, n: int) -> Interval:
    """The mixed model on the first n data sets, by the package's own hand."""
    layout = layout_of(batch.mask)
    found = [reml(values[batch.mask], layout, level=made.LEVEL) for values in batch.pair_values[:n]]
    return np.array([one.low for one in found]), np.array([one.high for one in found])


def check(batch: Batch, world: World, n: int) -> None:
    """The package's own functions on the first data sets: the same bounds to nine digits, or the study ends here."""
    layout = layout_of(batch.mask)
    if refuse_design(layout) is not None:
        return
    components = made.default_components(batch.pair_values, batch.mask)
    weights = made.weights_by(batch.mask)["pair"]
    of_pairs = made.two_way(components, weights, batch.mask)
    about = made.default_components(batch.influence, batch.mask)
    of_rate = score(batch.value, made.two_way(about, weights, batch.mask)) if world.name == "rate" else None
    low, high = made.robust(batch)
    complete = made.orh(batch) if batch.mask.all() else None
    for k in range(n):
        own, value = batch.pair_values[k][batch.mask], float(batch.value[k])
        found = twoway(own, layout, level=made.LEVEL, value=value)
        _same([found.high - value, found.df], [of_pairs.half[k], of_pairs.df[k]])
        found = robust(batch.influence[k][batch.mask], layout, level=made.LEVEL, value=value)
        _same([found.low, found.high], [low[k], high[k]])
        if of_rate is not None:
            found = twoway(batch.influence[k][batch.mask], layout, level=made.LEVEL, value=value)
            found = with_effective_n(found)
            _same([found.low, found.high], [bound[k] for bound in of_rate])
        if complete is not None and batch.plain:
            found = orh(own, layout, level=made.LEVEL)
            _same([found.low, found.high], [complete[0][k], complete[1][k]])


def check_draws(batch: Batch, draws: Draws, low: Floats, high: Floats) -> None:
    """The package's crossed bootstrap on the first data set, from the same draws."""
    if not batch.plain:
        return
    readings = np.where(batch.mask, -batch.pair_values[0], np.nan)
    found = mean_differences(Table(readings, np.zeros((1, batch.mask.shape[1]))), draws)[:, 0]
    _same(np.quantile(found, made.TAILS), [low[0], high[0]])


def _same(found: Sequence[float], expected: Sequence[float]) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
