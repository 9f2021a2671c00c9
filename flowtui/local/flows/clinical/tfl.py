"""Tables and figures: counted and summarised here, written as RTF, CSV and PDF."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from fpdf import FPDF

TREATMENTS = ("Placebo", "CDX-301 10 mg")
FONT = "Helvetica"
MARGIN = 15
COLOURS = {"Placebo": (120, 120, 120), "CDX-301 10 mg": (0, 90, 160)}


@dataclass(frozen=True)
class Table:
    """A table as it is shown: rows of text, the first column holds the row's label."""

    number: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    footnote: str


def demographics(adsl: pd.DataFrame) -> Table:
    """Age, sex and race of the safety population, by treatment and in total."""
    groups = _groups(adsl)
    rows: list[tuple[str, ...]] = [("Age (years)", "", "", "")]
    statistics: dict[str, Callable[[pd.Series], str]] = {
        "  n": lambda ages: f"{len(ages)}",
        "  Mean (SD)": lambda ages: f"{ages.mean():.1f} ({ages.std():.2f})",
        "  Median": lambda ages: f"{ages.median():.1f}",
        "  Min, Max": lambda ages: f"{ages.min():.0f}, {ages.max():.0f}",
    }
    rows += [(label, *(text(group["AGE"]) for group in groups)) for label, text in statistics.items()]
    for title, column in (("Age group", "AGEGR1"), ("Sex", "SEX"), ("Race", "RACE"), ("Country", "COUNTRY")):
        rows.append((f"{title}, n (%)", "", "", ""))
        rows += [
            (f"  {value}", *(_count(group[column] == value) for group in groups))
            for value in sorted(adsl[column].unique())
        ]
    return Table(
        "14.1.1",
        "Demographic Characteristics (Safety Population)",
        _columns(groups),
        tuple(rows),
        "Percentages are based on the number of subjects in the safety population.",
    )


def adverse_events(adsl: pd.DataFrame, adae: pd.DataFrame) -> Table:
    """Subjects with treatment-emergent adverse events, by system organ class and preferred term."""
    groups = _groups(adsl)
    emergent = adae[adae["TRTEMFL"] == "Y"]

    def row(label: str, events: pd.DataFrame) -> tuple[str, ...]:
        affected = set(events["USUBJID"])
        return (label, *(_count(group["USUBJID"].isin(affected)) for group in groups))

    rows = [
        row("Any treatment-emergent adverse event", emergent),
        row("Any serious event", emergent[emergent["AESER"] == "Y"]),
        row("Any event related to treatment", emergent[emergent["AEREL"] == "RELATED"]),
    ]
    for body_system, events in emergent.groupby("AEBODSYS"):
        rows.append(row(str(body_system), events))
        terms = events.groupby("AEDECOD")["USUBJID"].nunique().sort_values(ascending=False, kind="stable")
        rows += [row(f"  {term}", events[events["AEDECOD"] == term]) for term in terms.index]
    return Table(
        "14.3.1",
        "Treatment-Emergent Adverse Events by System Organ Class and Preferred Term (Safety Population)",
        _columns(groups),
        tuple(rows),
        "A subject is counted once within each system organ class and preferred term.",
    )


def write_rtf(table: Table, path: Path) -> None:
    """The table as Rich Text, one page header and a ruled body."""
    edges = [5200, 7200, 9200, 11200]

    def line(cells: Iterable[str], *, rule: str = "") -> str:
        widths = "".join(rf"{rule}\cellx{edge}" for edge in edges)
        content = "".join(
            rf"\pard\intbl{align} {_rtf(cell)}\cell"
            for align, cell in zip(("", r"\qc", r"\qc", r"\qc"), cells, strict=True)
        )
        return rf"\trowd\trgaph60{widths}{content}\row"

    body = [
        r"{\rtf1\ansi\deff0{\fonttbl{\f0 Courier New;}}\landscape\paperw15840\paperh12240\fs18",
        rf"\pard\qc\b Table {_rtf(table.number)}\line {_rtf(table.title)}\b0\par\par",
        line(table.columns, rule=r"\clbrdrt\brdrs\clbrdrb\brdrs"),
        *(line(row) for row in table.rows),
        rf"\pard\par {_rtf(table.footnote)}\par",
        "}",
    ]
    path.write_text("\n".join(body), encoding="ascii")


def write_csv(table: Table, path: Path) -> None:
    """The table's cells, as they are shown."""
    pd.DataFrame(table.rows, columns=[column.replace("\n", " ") for column in table.columns]).to_csv(path, index=False)


def write_report(tables: Iterable[Table], advs: pd.DataFrame, study: str, path: Path) -> None:
    """One PDF: every table, then the course of systolic blood pressure."""
    pdf = FPDF(orientation="landscape")
    pdf.set_title(f"{study}: tables and figures")
    pdf.set_margins(MARGIN, MARGIN)
    for table in tables:
        _page(pdf, f"Table {table.number}", table.title)
        pdf.set_font(FONT, size=8)
        with pdf.table(
            col_widths=(5, 2, 2, 2), text_align=("LEFT", "CENTER", "CENTER", "CENTER"), line_height=4.4, width=230
        ) as grid:
            grid.row([column.replace("\n", " ") for column in table.columns])
            for row in table.rows:
                grid.row([row[0].replace("  ", "    "), *row[1:]])
        pdf.set_font(FONT, "I", 7)
        pdf.multi_cell(0, 6, table.footnote)
    _page(pdf, "Figure 14.2.1", "Mean Change from Baseline in Systolic Blood Pressure (mmHg), with Standard Error")
    _figure(pdf, advs[advs["PARAMCD"] == "SYSBP"])
    pdf.output(str(path))


def _figure(pdf: FPDF, values: pd.DataFrame) -> None:
    left, top, width, height, low, high = 48.0, 40.0, 200.0, 120.0, -20.0, 5.0
    visits = values.drop_duplicates("AVISITN").sort_values("AVISITN")
    across = {number: left + width * (index + 0.5) / len(visits) for index, number in enumerate(visits["AVISITN"])}

    def down(change: float) -> float:
        return top + height * (high - min(high, max(low, change))) / (high - low)

    pdf.set_draw_color(0)
    pdf.rect(left, top, width, height)
    pdf.set_font(FONT, size=8)
    pdf.set_dash_pattern(dash=1, gap=2)
    for tick in range(int(low), int(high) + 1, 5):
        pdf.text(left - 9, down(tick) + 1, f"{tick:d}")
        pdf.line(left, down(tick), left + width, down(tick))
    pdf.set_dash_pattern()
    for number, visit in zip(visits["AVISITN"], visits["AVISIT"], strict=True):
        pdf.text(across[number] - 6, top + height + 6, visit)
    pdf.set_line_width(0.6)
    for index, treatment in enumerate(TREATMENTS):
        pdf.set_draw_color(*COLOURS[treatment])
        pdf.set_text_color(*COLOURS[treatment])
        pdf.text(left + 5, top + 8 + 5 * index, treatment)
        means = values[values["TRTA"] == treatment].groupby("AVISITN")["CHG"].agg(["mean", "sem"]).fillna(0)
        points = [(across[number], mean, error) for number, mean, error in means.itertuples()]
        for x, mean, error in points:
            pdf.line(x, down(mean - error), x, down(mean + error))
        for (x, mean, _), (next_x, next_mean, _) in itertools.pairwise(points):
            pdf.line(x, down(mean), next_x, down(next_mean))
    pdf.set_text_color(0)


def _page(pdf: FPDF, number: str, title: str) -> None:
    pdf.add_page()
    pdf.set_font(FONT, "B", 11)
    pdf.cell(0, 6, number, new_x="LMARGIN", new_y="NEXT", align="C")
    pdf.set_font(FONT, size=10)
    pdf.cell(0, 8, title, new_x="LMARGIN", new_y="NEXT", align="C")


def _groups(adsl: pd.DataFrame) -> list[pd.DataFrame]:
    safety = adsl[adsl["SAFFL"] == "Y"]
    return [*(safety[safety["TRT01P"] == treatment] for treatment in TREATMENTS), safety]


def _columns(groups: list[pd.DataFrame]) -> tuple[str, ...]:
    names = (*TREATMENTS, "Total")
    return ("", *(f"{name}\n(N={len(group)})" for name, group in zip(names, groups, strict=True)))


def _count(hits: pd.Series) -> str:
    count = int(hits.sum())
    return f"{count} ({100 * count / len(hits):.1f})" if count else "0"


def _rtf(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace("{", r"\{").replace("}", r"\}").replace("\n", r"\line ")
    indent = len(escaped) - len(escaped.lstrip())
    return r"\~" * indent + escaped.lstrip()
