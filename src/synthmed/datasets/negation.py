"""Whether a text says, denies or doubts a finding.

Rules after NegEx (Chapman et al., "A simple algorithm for identifying negated findings and
diseases in discharge summaries", Journal of Biomedical Informatics 2001): a trigger before or
after a finding decides, up to a word that ends its scope. English only.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from synthmed.datasets.reports import sentences
from synthmed.datasets.synonyms import NORMAL, implied, vocabulary_of_findings

Status = Literal["present", "uncertain", "absent"]
_RANK: dict[Status, int] = {"absent": 0, "uncertain": 1, "present": 2}
_MOST = 20_000  # characters of a text that are looked at
_REACH = 300  # characters around a finding in which a word may decide

_END = re.compile(
    r"\b(but|however|although|though|except|aside from|apart from|otherwise|other than)\b"
    r"|[;:]|\.\s"
)
_POSITIVE_START = re.compile(
    r"\s*(and )?(there (is|are)|(a |an )?(small|mild|moderate|large|minimal|trace|stable|patchy|"
    r"new|persistent|unchanged|scattered|left|right|bilateral|bibasilar|basilar|chronic|old)\b)"
)
_PSEUDO = re.compile(
    r"\b(no|not|without)( (significant|interval|appreciable|definite|great))*"
    r" (change|increase|decrease|improvement|worsening)\w*\b|\bnot only\b|\bno doubt\b"
    r"|\b(non|without)[- ](iv )?contrast\b"
)
_BEFORE_UNCERTAIN = re.compile(
    r"\b((can ?not|can't|could not|does not|do not|not) (\w+ )?(exclude|rule out)\w*|possibl[ey]|"
    r"probabl[ey]|likely|may|might|could|suspicious for|suspected|suspicion|question\w*|"
    r"concern(ing)? for|versus|vs|suggest\w*|rule out|r/o|evaluat\w* for|assess for|consider|"
    r"test\w* for|presumed|presumably)\b"
)
_BEFORE_ABSENT = re.compile(
    r"\b(no|non|not|without|free of|negative for|absence of|absent|clear of|lack of|neither|nor|"
    r"never|resolved|resolution of|denies)\b"
)
_NOTHING_SUGGESTS = re.compile(
    r"\b(no|not|without|negative for)\b[^,]*\b(suggest\w*|suspicious|concern\w*|suspicion)\b"
)
_AFTER_UNCERTAIN = re.compile(
    r"\b((can ?not|can't|could not|not) (be )?(\w+ )?(excluded?|ruled out)|(is|are) (possible|"
    r"suspected|questionable|likely)|may be|might be|suspected)\b|\?"
)
_AFTER_ABSENT = re.compile(
    r"^[^,]*?\b((is|are|was|were|has|have)( been)? (not|no longer|absent|resolved|excluded|"
    r"ruled out|cleared|negative)|not (seen|identified|present|visuali[sz]ed|evident|appreciated|"
    r"noted|demonstrated|detected)|no longer|(has|have) (resolved|cleared)|unlikely|ruled out)\b"
)
_LUNGS = "lungs?|lung fields|chest|chest x-ray|cxr|radiograph|study|examination|exam|breast"
_IS_NORMAL = re.compile(
    r"\bno (\w+ ){0,3}?(finding|abnormalit|lesion|disease|process|pathology|mass|tumou?r|glioma)"
    rf"\w*|\b({_LUNGS})( \w+){{0,3}}? (clear|normal|unremarkable|negative)\b"
    rf"|\b(clear|normal|unremarkable|negative|healthy)( \w+){{0,2}}? ({_LUNGS}|tissue)\b"
    r"|^\W*(normal|healthy|unremarkable|negative)\W*$"
)
_NOT_NORMAL = re.compile(r"\b(not|n't|no longer|abnormal)\b")
_HEART_NORMAL = re.compile(
    r"\b(heart|cardiac|cardiomediastin\w+|cardio\w+)\b[^.;]*?"
    r"\b(normal|within normal limits|unremarkable|not enlarged|stable)\b"
    r"|\bnormal (heart|cardiac|cardiomediastin\w+)\b"
)
_LUNG_CONCEPTS = ("pneumonia", "consolidation", "lung infiltration", "pulmonary edema")


def findings_in(text: str) -> dict[str, Status]:
    """Find the concepts that a text speaks of, and whether it says, doubts or denies them.

    Args:
        text: A caption or a report, in English.

    Returns:
        Concept to "present", "uncertain" or "absent"; of several mentions the most present one
        counts. `NORMAL` is "present" where the text says that nothing was found and no finding is
        present beside it.
    """
    found: dict[str, Status] = {}
    for sentence in sentences(text[:_MOST]):
        for concept, status in _in_sentence(sentence.casefold()):
            if _RANK[status] > _RANK.get(found.get(concept, "absent"), 0) or concept not in found:
                found[concept] = status
    if any(status == "present" for concept, status in found.items() if concept != NORMAL):
        found.pop(NORMAL, None)
    return found


def verdict(text: str) -> Literal["normal", "abnormal"] | None:
    """Judge a text as a whole.

    Returns:
        "abnormal" where a finding is present or uncertain, "normal" where none is and the text
        says so or denies at least one, None where it speaks of no finding.
    """
    found = findings_in(text)
    if any(status != "absent" for concept, status in found.items() if concept != NORMAL):
        return "abnormal"
    return "normal" if found else None


@cache
def _pattern() -> re.Pattern[str]:
    """All phrases in one pattern, the longest first."""
    phrases = sorted(vocabulary_of_findings(), key=len, reverse=True)
    return re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, phrases)) + r")(?![\w-])")


def _in_sentence(sentence: str) -> list[tuple[str, Status]]:
    sentence = _PSEUDO.sub(lambda match: "~" * len(match[0]), sentence)
    found: list[tuple[str, Status]] = []
    for match in _pattern().finditer(sentence):
        status = _status(sentence, match.start(), match.end())
        concept = vocabulary_of_findings()[match[1]]
        kinds = implied(concept) if status == "present" else (concept,)
        found += [(kind, status) for kind in kinds]
    normal = _IS_NORMAL.search(sentence)
    if normal and not _NOT_NORMAL.search(sentence[: normal.end()]):
        found.append((NORMAL, "present"))
        if re.search(r"lung|chest", normal[0]):
            found += [(concept, "absent") for concept in _LUNG_CONCEPTS]
    if _HEART_NORMAL.search(sentence):
        found.append(("cardiomegaly", "absent"))
    return found


def _status(sentence: str, start: int, end: int) -> Status:
    before, after = sentence[max(0, start - _REACH) : start], sentence[end : end + _REACH]
    if ends := [match.end() for match in _END.finditer(before)]:
        before = before[ends[-1] :]
    if over := _END.search(after):
        after = after[: over.start()]
    if _NOTHING_SUGGESTS.search(before):
        return "absent"
    if _BEFORE_UNCERTAIN.search(before) or _AFTER_UNCERTAIN.search(after):
        return "uncertain"
    if _AFTER_ABSENT.search(after):
        return "absent"
    negations = list(_BEFORE_ABSENT.finditer(before))
    if negations and not _left_behind(before[negations[-1].end() :], after):
        return "absent"
    return "present"


def _left_behind(between: str, after: str) -> bool:
    """Tell whether a negation ended at a comma: "no pneumothorax, small effusion"."""
    *_, last = between.rsplit(",", 1) if "," in between else ("",)
    if not last or re.search(r"\b(or|nor)\b", between + after):
        return False
    return bool(_POSITIVE_START.match(last))
