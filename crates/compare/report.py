"""A comparison as JSON and as a page of HTML."""

from __future__ import annotations

import html
from typing import Any

from .runs import Comparison
from .tolerance import Tolerances
from .verdict import ORDER, Finding, Grade

COLORS = {
    Grade.IDENTICAL: "#1a7f37", Grade.EQUIVALENT: "#0a6c74", Grade.UNVERIFIED: "#8a5a00", Grade.DIFFERENT: "#c1272d",
    Grade.MISSING: "#c1272d",
}  # fmt: skip
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } td, th { padding: .35rem .6rem; text-align: left; vertical-align: top }
tr { border-bottom: 1px solid #8884 } .grade { font-weight: 600; white-space: nowrap } code { overflow-wrap: anywhere }
"""


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON can say it."""
    parting = comparison.parting
    return {
        "first": comparison.first,
        "second": comparison.second,
        "verdict": comparison.grade.value,
        "cause": comparison.cause.value if comparison.cause else None,
        "tolerances": tolerances_json(comparison.tolerances),
        "images": list(comparison.images),
        "outputs": {one.port: finding_json(one.finding) for one in comparison.outputs},
        "intermediate": {
            grade.value: comparison.tokens[grade] for grade in sorted(comparison.tokens, key=ORDER.__getitem__)
        },
        "parting": parting
        and {
            "job": parting.job,
            "port": parting.port,
            "cause": parting.cause.value,
            "differences": list(parting.differences),
            **finding_json(parting.finding),
        },
    }


def tolerances_json(tolerances: Tolerances) -> dict[str, Any]:
    """Return tolerances as JSON can say them."""
    return {"relative": tolerances.relative, "absolute": tolerances.absolute, "named": dict(tolerances.named)}


def counts(comparison: Comparison) -> str:
    """Return how many values on the way have which grade, in words."""
    grades = sorted(comparison.tokens, key=ORDER.__getitem__)
    return ", ".join(f"{comparison.tokens[grade]} {grade.value}" for grade in grades) or "none"


def finding_json(finding: Finding) -> dict[str, str]:
    """Return a finding as JSON can say it."""
    return {"grade": finding.grade.value, "comparator": finding.comparator, "detail": finding.detail}


def as_html(comparison: Comparison) -> str:
    """Return a page that says how two runs compare. It needs no network and runs no script."""
    rows = "".join(
        f"<tr><th scope=row>{_text(one.port)}</th>{_grade(one.finding.grade)}<td>{_text(one.finding.comparator)}</td>"
        f"<td><code>{_text(one.finding.detail)}</code></td></tr>"
        for one in comparison.outputs
    )
    cause = f" &middot; {_text(comparison.cause.value)}" if comparison.cause else ""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Comparison</title><style>{STYLE}</style>"
        f"<h1>{_text(comparison.grade.value)}</h1>"
        f"<p>{_text(comparison.first)} and {_text(comparison.second)}{cause}</p>"
        f"<p>Tolerances: {_text(comparison.tolerances.in_words())}. Values on the way: {counts(comparison)}.</p>"
        f"{''.join(f'<p>{_text(line)}</p>' for line in comparison.images)}"
        "<table><thead><tr><th scope=col>output<th scope=col>grade<th scope=col>compared by<th scope=col>detail</thead>"
        f"<tbody>{rows}</tbody></table>{_parting(comparison)}</html>\n"
    )


def _parting(comparison: Comparison) -> str:
    parting = comparison.parting
    if parting is None:
        return ""
    changes = "".join(f"<li>{_text(each)}</li>" for each in parting.differences)
    return (
        f"<h2>Where they part</h2><p>Job <code>{_text(parting.job)}</code>, output <code>{_text(parting.port)}</code>: "
        f"{_text(parting.cause.value)}. <code>{_text(parting.finding.detail)}</code></p><ul>{changes}</ul>"
    )


def _grade(grade: Grade) -> str:
    return f'<td class=grade style="color:{COLORS[grade]}">{_text(grade.value)}</td>'


def _text(text: str) -> str:
    return html.escape(text)
