"""Write the list of queries in querying.md:  python docs/make_queries.py"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from recrate.crates.query.questions import Question, questions

BEGIN = "<!-- queries: made by `python docs/make_queries.py`; a test holds it to the code -->\n"
END = "<!-- end of queries -->\n"


def rows(found: tuple[Question, ...]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield "| Query | | Question | Values |\n|---|---|---|---|"
    for one in found:
        values = "; ".join(
            f"`{item.name}`: {item.description}{' (needed)' if item.required else ''}" for item in one.parameters
        )
        yield f"| `{one.name}` | {one.alias or ''} | {one.title} | {values} |"


def with_listing(page: str) -> str:
    """Return the page with the list of queries brought up to date."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n" + "\n".join(rows(questions())) + f"\n\n{END}{after}"


def main() -> None:
    """Bring the page beside this file up to date."""
    page = Path(__file__).resolve().parent / "querying.md"
    page.write_text(with_listing(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
