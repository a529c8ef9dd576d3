"""The methods paragraph, made from what was run."""

from analysis.outcomes.findings import COMPLETED_ONLY, Findings
from analysis.wording import counted, listed, percent


def methods(found: Findings) -> list[str]:
    """A few paragraphs that a statistician can put into a manuscript and check against the tables."""
    return [_scoring(found), _estimand(found), _interval(found), _beside(found), _missing(found), _reliability(found)]


def _scoring(found: Findings) -> str:
    rubric = found.rubric
    raters = counted(len({rating.rater for rating in found.cut.ratings}), "rater")
    return (
        f"Every answer, of physicians and systems alike, was scored by one function under the profile "
        f"{rubric.profile.id} ({rubric.profile.label}), with the consensus rule “{rubric.consensus}” over "
        f"{raters}; the function is not told who answered. "
        f"The runs of a system on a case were averaged before anything else."
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
    return (
        "Physicians and cases are both treated as random samples of populations like them; the system is a fixed, "
        f"named thing. {percent(found.level)} confidence intervals for the mean difference come from the closed-form "
        "two-way variance: components for case, physician and cell from the second moments of the differences (a "
        "one-shot U-statistic, Gallas 2006), negative components taken as zero, and Student's t with Satterthwaite's "
        "degrees of freedom, at least one less than the smaller of the numbers of physicians and cases. No interval is "
        "given with fewer than three physicians or three cases, with too few readings that share a case or a "
        "physician, or with zero variance. The values of single respondents have the same kind of interval on the "
        "logit scale, for systems and policies over cases alone; a rate without variance has the exact binomial "
        "interval on its cases."
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
        f"without a value would be refused.{simultaneous} All p values are two-sided and none is adjusted for "
        "multiplicity; those of comparisons other than the primary one are descriptive."
    )


def _missing(found: Findings) -> str:
    sensitivity = (
        " A sensitivity analysis takes only the readings that were handed in before time (“completed only”)."
        if found.of(COMPLETED_ONLY)
        else ""
    )
    return (
        "A reading that timed out with a draft was scored on its last saved draft, one that was opened and never saved "
        "as an empty plan, and a plan deliberately left empty as it was; readings never opened, still open or set "
        f"aside are missing.{sensitivity}"
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
