"""The case to practise on: invented for this purpose, about nobody, in no study, and never rated by anyone."""

from study.case import Case, CaseId, Option, OptionId

_TEXT = """\
I would be glad of your view on a 34-year-old teacher who has had a dull, pressing headache on both sides on perhaps \
eight days a month since the school year began. It builds up over the afternoon, never makes her leave work, and is \
gone the next morning. There is no nausea, no aura and no change with walking or stairs; light does not bother her. \
She sleeps six hours, often skips lunch, and her shoulders are tense by the evening. She takes ibuprofen 400 mg \
about once a week, which helps.

She is otherwise well, takes no other medication and is not pregnant. Blood pressure is 122/78. The neck muscles are \
tender; the rest of the examination, with fundi and a neurological examination, is normal. Her mother was treated \
for a brain tumor last year, and she has asked twice whether she needs a scan.

What should be done for her now?"""
_OPTIONS = {
    "Counseling": (
        "Explain that the history and the examination fit a tension-type headache, and talk about her worry",
        "Advise regular meals, more sleep and short breaks with shoulder exercises",
        "Tell her to give up teaching until the headache is gone",
        "Ask her to keep a headache diary, and to come back in six weeks or when something changes",
    ),
    "Diagnostic": (
        "Order an MRI of the brain",
        "Order a blood count and thyroid function",
        "Perform a lumbar puncture",
    ),
    "Treatment": (
        "Let her go on with ibuprofen when needed, on no more than ten days a month",
        "Prescribe oxycodone for the afternoons",
        "Refer her to physiotherapy for the neck and shoulders",
        "Make no change",
    ),
}


def _options() -> tuple[Option, ...]:
    pairs = [(category, text) for category, texts in _OPTIONS.items() for text in texts]
    return tuple(
        Option(OptionId(f"practice-{number}"), text, category) for number, (category, text) in enumerate(pairs, start=1)
    )


CASE = Case(
    id=CaseId("practice"),
    specialty="Practice",
    presentation=_TEXT,
    options=_options(),
    question="What should be done for her now?",
)
