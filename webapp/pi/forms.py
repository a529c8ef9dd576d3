"""The forms of the PI's pages. What is typed here is kept, so nothing is taken that a database could not store."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import EmailField, IntegerField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from study.store import accounts
from study.store.enrolment import ACCOMMODATIONS
from webapp.pi.strata import folded

LONGEST_REASON = 500


def _one_line(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())


def _storable(_form: FlaskForm, field: StringField) -> None:
    if any(ord(character) < 32 for character in field.data or ""):
        raise ValidationError("A character in this text cannot be stored. Type it again instead of pasting it.")


def _reason(label: str, *, required: str | None) -> TextAreaField:
    first = Optional() if required is None else DataRequired(required)  # blanks alone are no reason
    return TextAreaField(label, filters=[_one_line], validators=[first, Length(max=LONGEST_REASON), _storable])


class InviteForm(FlaskForm):
    email = EmailField("E-mail", filters=[_one_line], validators=[InputRequired("Enter an e-mail address.")])
    full_name = StringField("Name", filters=[_one_line], validators=[Optional(), Length(max=200), _storable])
    strata = StringField("Strata", filters=[_one_line], validators=[Optional(), Length(max=400), _storable])

    def validate_email(self, field: EmailField) -> None:
        try:
            accounts.normal(field.data or "")
        except accounts.Refused as refused:
            raise ValidationError(str(refused)) from None

    def validate_strata(self, field: StringField) -> None:
        if self.named_strata() is None:
            raise ValidationError("Write strata as name = value, with commas between: site = north, grade = senior.")

    def named_strata(self) -> dict[str, str] | None:
        """What was typed, by name; None: it cannot be read as such."""
        strata: dict[str, str] = {}
        for part in (self.strata.data or "").split(","):
            if not part.strip():
                continue
            name, equals, value = (piece.strip() for piece in part.partition("="))
            if not (name and equals and value) or folded(name) in map(folded, strata):
                return None
            strata[name] = value
        return strata


class InviteListForm(FlaskForm):
    people = FileField("CSV file", validators=[FileRequired("Choose a file.")])


class PauseForm(FlaskForm):
    """A pause, and its end: a reason is welcome."""

    reason = _reason("Reason", required=None)


class ReasonForm(FlaskForm):
    reason = _reason("Reason", required="Give a reason. It stays on the study's record.")


class WholeMinutes(IntegerField):
    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Whole minutes.") from None


class ExtendForm(ReasonForm):
    minutes = WholeMinutes(
        "Minutes more",
        validators=[InputRequired("How many minutes?"), NumberRange(1, 240, "From 1 to 240 minutes.")],
    )


class AccommodationForm(FlaskForm):
    percent = SelectField(
        "Time for each case",
        coerce=int,
        choices=[
            SelectChoice(value=percent, label="100 % (as in the protocol)" if percent == 100 else f"{percent} %")
            for percent in ACCOMMODATIONS
        ],
    )


class LockForm(ReasonForm):
    """The name is typed, so that no slip of the hand locks a study."""

    typed_name = StringField("Name of the study", filters=[_one_line], validators=[InputRequired("Type its name.")])

    def __init__(self, *args: object, name: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._name = name

    def validate_typed_name(self, field: StringField) -> None:
        if field.data != self._name:
            raise ValidationError(f"That is not the name of this study. Type {self._name} to lock it.")
