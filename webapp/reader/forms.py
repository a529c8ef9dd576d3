"""The form of a case. Its choices come from the case, so that a foreign option is refused by the field itself."""

from dataclasses import replace

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, IntegerField, SelectMultipleField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from study.case import Case, OptionId
from study.draft import RATIONALE_CHARACTERS, RESOURCES, Draft
from study.text import storable


def _storable(_form: FlaskForm, field: Field) -> None:
    if not storable(field.data or ""):
        raise ValidationError("A character in this text cannot be stored. Type it again instead of pasting it.")


def _newlines(text: str | None) -> str | None:
    """A browser sends a line's end as two characters where its page counted one, and stored one."""
    return text and text.replace("\r\n", "\n")


class ReadingForm(FlaskForm):
    selected = SelectMultipleField("Options", validate_choice=True)
    confidence = IntegerField(
        "How confident are you in this plan?",
        validators=[Optional(), NumberRange(0, 100, message="Confidence is a whole number from 0 to 100.")],
    )
    rationale = TextAreaField(
        "Why",
        filters=[_newlines],
        validators=[Length(max=RATIONALE_CHARACTERS, message=f"At most {RATIONALE_CHARACTERS} characters."), _storable],
    )
    resources = SelectMultipleField(
        "What did you use for this case?",
        choices=[SelectChoice(word, label) for word, label in RESOURCES.items()],
    )
    nothing_to_recommend = BooleanField("Nothing to recommend: no option on this list should be carried out.")
    key = HiddenField(validators=[InputRequired(), Length(min=8, max=64)])
    base_revision = IntegerField(validators=[InputRequired(), NumberRange(min=0)])
    lease = HiddenField(validators=[Length(max=64)])
    take = BooleanField("Continue here")

    @classmethod
    def for_case(cls, case: Case, draft: Draft | None = None) -> "ReadingForm":
        data = None if draft is None else {**draft.as_json()}
        form = cls(data=data)
        form.selected.choices = [SelectChoice(option.id, option.text) for option in case.options]
        return form

    def validate_nothing_to_recommend(self, field: BooleanField) -> None:
        if field.data and self.selected.data:
            raise ValidationError(
                "You chose options and also said that there is nothing to recommend. Keep one of them."
            )

    @property
    def draft(self) -> Draft:
        return Draft(
            selected=frozenset(OptionId(option) for option in self.selected.data or ()),
            confidence=self.confidence.data,
            rationale=self.rationale.data or "",
            resources=frozenset(self.resources.data or ()),
            nothing_to_recommend=bool(self.nothing_to_recommend.data),
        )

    @property
    def readable(self) -> bool:
        """Whether all that is wrong stands in fields that a hand fills in; anything else is no form of ours."""
        return self.errors.keys() <= {"confidence", "rationale", "nothing_to_recommend"}

    def draft_beside(self, standing: Draft) -> Draft:
        """What was sent, with the fields that cannot be taken as they stood before: the rest is not lost with them.

        Of options and a plan of nothing, which exclude each other, the options are the ones that somebody chose.
        """
        sent = replace(self.draft, nothing_to_recommend=False) if self.nothing_to_recommend.errors else self.draft
        return replace(
            sent,
            confidence=standing.confidence if self.confidence.errors else sent.confidence,
            rationale=standing.rationale if self.rationale.errors else sent.rationale,
        )


class SubmitForm(FlaskForm):
    """The last step. `nothing` is asked for only where nothing was chosen: silence is never taken for a plan."""

    key = HiddenField(validators=[InputRequired(), Length(min=8, max=64)])
    base_revision = IntegerField(validators=[InputRequired(), NumberRange(min=0)])
    lease = HiddenField(validators=[Length(max=64)])
    take = BooleanField("Continue here")
    nothing = BooleanField("For this patient I recommend none of the options.")


class ProblemForm(FlaskForm):
    text = TextAreaField(
        "What is wrong with this case?",
        filters=[_newlines],
        validators=[
            InputRequired("Say in a few words what is wrong."),
            Length(max=2000, message="At most 2,000 characters."),
            _storable,
        ],
    )


class WithdrawForm(FlaskForm):
    reason = TextAreaField(
        "Your reason",
        filters=[_newlines],
        validators=[Length(max=500, message="At most 500 characters."), _storable],
    )
    sure = BooleanField(
        "Yes, I want to withdraw from this study.", validators=[InputRequired("Tick this to withdraw.")]
    )
