"""The study: what is asked, what was answered, how it is scored, where it is kept.

The words, each used for one thing from form to figure:

study        a set of cases, a rubric and a protocol
case         one consultation, with the options that a respondent may choose from
option       one thing that could be done
rating       1–9, by one rater, for one option
rubric       ratings + consensus rule + profile + structure, with a digest
respondent   a physician or a system
reader       an enrolled physician
system       a model, a team of models, a guardrail, or a reference policy such as *do nothing*
arm          how respondents answered (iMRMC's modality)
reading      one respondent, one case, one run
selection    the options chosen: a set
verdict      one option, judged against one response
harm         omission or commission; mild, moderate or severe
measure      a number folded from verdicts
estimate     what an analysis says about a difference
"""
