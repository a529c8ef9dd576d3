"""The methods paragraph, made from what was run."""

from analysis.inference.estimate import Method
from analysis.inference.twoway import LEAST_MEDIAN, MOST_UNEVEN, UNEVEN
from analysis.outcomes.findings import COMPLETED_ONLY, Findings
from analysis.outcomes.sensitivity import BESIDE, DEFAULT
from analysis.wording import counted, listed, percent


def methods(found: Findings) -> list[str]:
    """A few paragraphs that a statistician can put into a manuscript and check against the tables."""
    paragraphs = [
        _scoring(found),
        _estimand(found),
        _interval(found),
        _beside(found),
        _families(found),
        _sensitivities(found),
        _arms(found),
        _harms(found),
        _specialties(found),
        _systems(found),
        _missing(found),
        _reliability(found),
    ]
    return [paragraph for paragraph in paragraphs if paragraph]


def _scoring(found: Findings) -> str:
    rubric = found.rubric
    raters = counted(len({rating.rater for rating in found.cut.ratings}), "rater")
    return (
        f"Every answer, of physicians and systems alike, was scored by one function under the profile "
        f"{rubric.profile.id} ({rubric.profile.label}), with the consensus rule “{rubric.consensus}” over "
        f"{raters}; the function is not told who answered. "
        f"The runs of a system on a case were averaged before anything else, except for the chance to be ahead of a "
        "physician, where each run is compared by itself."
    )


def _estimand(found: Findings) -> str:
    return (
        "For each reading of a case by a physician, the difference is the system's mean score over its runs on that "
        "case minus the physician's score on it; the estimate is the mean over all readings that can be paired, each "
        "counting the same (test − control, always). Systems are compared only on the cases that the physicians read, "
        "weighted as they were read. Measures that are ratios of sums, and means of them, are compared through their "
        "influence values."
    )


def _interval(found: Findings) -> str:
    uneven = (
        f" Where one physician read, or one case was read, at least {MOST_UNEVEN} times as often as a median of at "
        f"least {LEAST_MEDIAN} and more than chance makes it, the components come from differences of readings instead "
        "(mean squares within physicians, within cases, and of pairs that share neither), because products move with "
        "the place of zero there."
        if any(UNEVEN in (row.contrast.default.label or "") for row in found.rows)
        else ""
    )
    return (
        "Physicians and cases are both treated as random samples of populations like them; the system is a fixed, "
        f"named thing. {percent(found.level)} confidence intervals for the mean difference come from the closed-form "
        "two-way variance: components for case, physician and cell from the second moments of the differences (a "
        "one-shot U-statistic, Gallas 2006), negative components taken as zero, and Student's t with Satterthwaite's "
        "degrees of freedom, at least one less than the smaller of the numbers of physicians and cases. No interval is "
        "given with fewer than three physicians or three cases, with too few readings that share a case or a "
        "physician, or with zero variance. The values of single respondents have the same kind of interval, from "
        "influences about the value and on the logit scale, for systems and policies over cases alone; the rate of "
        "what happens or not has Wilson's, with the effective sample size and the degrees of freedom of its variance "
        f"(Korn & Graubard 1998), and without variance the exact binomial interval on its cases.{uneven}"
    )


def _beside(found: Findings) -> str:
    family = [row.contrast.band for row in found.rows if row.contrast.band is not None]
    simultaneous = (
        " Simultaneous bands take their critical value from the largest studentised deviation over the systems in the "
        "same draws, and their standard error from the default interval."
        if family
        else ""
    )
    return (
        f"Beside each stands the percentile interval of a crossed bootstrap (Owen 2007) with {found.draws:,} draws "
        f"(seed {found.seed}), in which physicians and cases are drawn independently with replacement, the same draws "
        "for every system and measure. It tends to be wide in sparse designs, where its variance counts the noise "
        "within a cell more than once, and can be narrower than the default with few physicians or cases, because it "
        "uses no t quantile; the default is the interval whose coverage was measured. More than 0.1 % of draws "
        f"without a value would be refused.{simultaneous}"
    )


def _families(found: Findings) -> str:
    """What is adjusted for the number of comparisons, and what is not."""
    said = ["All p values are two-sided."]
    if any(row.contrast.p_family == row.contrast.p_family for row in found.rows):
        said.append(
            "Beside each system's p stands one that steps down over all systems on the same measure by the largest "
            "studentised deviation (max-T; Westfall & Young 1993)."
        )
    if any(row.p_holm == row.p_holm for row in found.rows):
        said.append(
            "Of the primary comparison's two sides, the p values on the measures beyond the primary one are also "
            "adjusted after Holm (1979)."
        )
    said.append("No other p value is adjusted for multiplicity, and all but the primary one are descriptive.")
    return " ".join(said)


def _sensitivities(found: Findings) -> str:
    """Only the methods that gave an interval, or were refused with their reason."""
    again = [one for one in found.sensitivities if one.what not in (DEFAULT, BESIDE)]
    given = [one for one in again if one.estimate.refused is None]
    refused = [one for one in again if one.estimate.refused is not None]
    if not given and not refused:
        return ""
    cited = [f"{one.what}{SOURCES.get(one.estimate.method, '')}" for one in given if not one.conditional]
    said = [f"The primary comparison was estimated again as sensitivity analyses: {'; '.join(cited)}."] if cited else []
    said += [f"Not estimated: {one.what} ({one.estimate.refused.reason})" for one in refused if one.estimate.refused]
    labels = [f"“{one.estimate.label}”" for one in given if one.conditional and one.estimate.label]
    if labels:
        said.append(f"Intervals that generalise over one factor only carry their labels: {listed(labels)}.")
    return " ".join(said)


SOURCES = {
    Method.REML: ", with Satterthwaite's degrees of freedom (Patterson & Thompson 1971)",
    Method.ORH: ", for a table in which every physician read every case (Hillis 2007)",
    Method.ROBUST: " (Cameron, Gelbach & Miller 2011), with t on the smaller number of clusters less one",
}
"""Where a method of the sensitivity analyses is from."""


def _arms(found: Findings) -> str:
    if not found.arms:
        return ""
    crossings = list(dict.fromkeys(str(one.estimates.crossing) for one in found.arms))
    return (
        f"Arms of physicians ({listed(crossings)}) read different cases and were compared by least squares with "
        "two-way cluster-robust intervals over physicians and cases (Cameron, Gelbach & Miller 2011), corrected for "
        "leverage and with Student's t on the smaller of the degrees of freedom of physicians and of cases (Bell & "
        "McCaffrey 2002), and beside it by a mixed model with physicians and cases random, fitted by restricted "
        "maximum likelihood; in a crossover with periods, the period is a covariate."
    )


def _harms(found: Findings) -> str:
    if not found.harms:
        return ""
    needed = (
        " The number of cases to one severe harm is one over the rate, never a mean of inverses; where the interval of "
        "a difference holds 0, its inverse has an interval in two parts."
        if found.needed
        else ""
    )
    return (
        "Harms are counted per 100 cases by kind and severity; their intervals are Student's t on the log scale, and "
        "differences of counts and of shares have the default interval and the bootstrap, as every measure has."
        f"{needed}"
    )


def _specialties(found: Findings) -> str:
    apart = found.apart
    if not found.specialties:
        return ""
    said = (
        "By specialty, the primary measure's differences have the same two intervals, the bootstrap on the same draws "
        "of physicians with cases drawn within each specialty, and no p."
    )
    if apart is None or apart.refused is not None:
        return said
    return (
        f"{said} How far specialties lie apart is Cochran's Q in its generalised form, with the covariance over the "
        "draws because specialties share physicians, and I² (Higgins & Thompson 2002)."
    )


def _systems(found: Findings) -> str:
    if not found.systems:
        return ""
    flips = found.systems[0]
    how = "all assignments" if flips.exact else f"{flips.assignments:,} drawn assignments"
    test = (
        f" Their p values come from {how} of signs to cases (Fisher 1935), stepping down over the family."
        if flips.assignments
        else ""
    )
    return (
        f"{flips.test} was compared with each other system by its mean difference over cases, every case counting the "
        f"same, with Student's t over cases: only cases are random, and no physician takes part.{test}"
    )


def _missing(found: Findings) -> str:
    sensitivity = (
        " A sensitivity analysis takes only the readings that were handed in before time (“completed only”)."
        if found.of(COMPLETED_ONLY)
        else ""
    )
    filled = (
        " Missing scores of the primary comparison were also filled in, and then taken as known: as an additive fit of "
        "physicians and cases leads to expect, all at the best and all at the worst score; and the expected ones were "
        "moved together by hundredths of the range until the primary interval would say something else."
        if found.tipping is not None
        else ""
    )
    return (
        "A reading that timed out with a draft was scored on its last saved draft, one that was opened and never saved "
        "as an empty plan, and a plan deliberately left empty as it was; readings never opened, still open or set "
        f"aside are missing.{sensitivity}{filled}"
    )


def _reliability(found: Findings) -> str:
    agreement = found.agreement
    if agreement.reason is not None:
        return f"Agreement between raters was not estimated: {agreement.reason}"
    return (
        f"Agreement between {counted(agreement.n_raters, 'rater')} on {counted(agreement.n_targets, 'option')} is the "
        "intraclass correlation for absolute agreement, of a single rating, ICC(A,1), and of the raters' mean, "
        f"ICC(A,{agreement.n_raters}); its 95 % intervals treat options as independent, which options of one case are "
        "not."
    )


def software(found: Findings) -> str:
    """Which respondents were versions of what."""
    named = [f"{system.name} ({listed(system.versions)})" for system in found.study.systems if system.versions]
    return f"Versions of the systems as recorded: {listed(named)}." if named else ""
