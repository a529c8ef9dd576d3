"""The form that asks for an analysis."""

from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectChoice, SelectField
from wtforms.validators import InputRequired, NumberRange

from study.consensus import ConsensusRule
from study.profile import PROFILES
from study.protocol import Protocol

LARGEST_SEED = 2**63 - 1
RULES = {
    ConsensusRule.SINGLE: "The one rating there is",
    ConsensusRule.MEDIAN: "Median of all raters",
    ConsensusRule.MAJORITY: "Majority direction",
    ConsensusRule.UNANIMOUS: "Unanimous direction, else uncertain",
    ConsensusRule.SEVERE_ONLY_IF_UNANIMOUS: "Median, severe only if unanimous",
}


class RunForm(FlaskForm):
    """What the protocol says comes first; everything else is a sensitivity analysis, and the page says so."""

    seed = IntegerField(
        "Seed",
        validators=[
            InputRequired("Enter a whole number."),
            NumberRange(0, LARGEST_SEED, "A whole number from 0 on."),
        ],
    )
    profile = SelectField("Scoring profile")
    consensus = SelectField("Consensus over raters")

    def __init__(self, *args: object, protocol: Protocol, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        planned = protocol.scoring
        self.profile.choices = [
            SelectChoice(value=profile.id, label=_marked(profile.label, profile.id == planned.profile))
            for profile in PROFILES.values()
        ]
        self.consensus.choices = [
            SelectChoice(value=rule.value, label=_marked(RULES[rule], rule == planned.consensus))
            for rule in rules_that_fit(planned.consensus)
        ]


def rules_that_fit(planned: str) -> tuple[ConsensusRule, ...]:
    """One rater allows one rule only, and several raters every rule but that one."""
    single = planned == ConsensusRule.SINGLE
    return tuple(rule for rule in ConsensusRule if (rule is ConsensusRule.SINGLE) == single)


def _marked(label: str, planned: bool) -> str:
    return f"{label} (protocol)" if planned else label
