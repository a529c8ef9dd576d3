"""The forms of signing in and joining."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from webapp import passwords


class SignInForm(FlaskForm):
    email = EmailField("E-mail", validators=[InputRequired("Enter your e-mail address."), Length(max=254)])
    password = PasswordField("Password", validators=[InputRequired("Enter your password."), Length(max=512)])
    after = HiddenField()


class NewPasswordForm(FlaskForm):
    """For an address that the caller knows: `email` is not a field, so nobody can claim another one's."""

    password = PasswordField("Password", validators=[InputRequired("Choose a password."), Length(max=512)])

    def __init__(self, *args: object, email: str = "", **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def validate_password(self, field: StringField) -> None:
        refusal = passwords.refusal(field.data or "", self._email)
        if refusal is not None:
            raise ValidationError(refusal)


class _Consent:
    """`bundle_digest`, `consent_sha256`: of what the page showed, so that nobody agrees to what they did not see."""

    bundle_digest = HiddenField()
    consent_sha256 = HiddenField()
    agreed = BooleanField(
        "I have read this information, and I agree to take part.",
        validators=[InputRequired("To take part, tick that you agree. Without it nothing is recorded.")],
    )


class JoinForm(_Consent, NewPasswordForm):
    """A new account: consent and a password."""


class JoinKnownForm(_Consent, FlaskForm):
    """An address that has an account already: consent and the password it has."""

    password = PasswordField("Your password", validators=[InputRequired("Enter your password."), Length(max=512)])
