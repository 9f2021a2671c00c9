"""Enrolment of a trial, counted per site, summed per country, checked, and judged against the plan.

    flowtui run enrolment_flow.py enrolment_overview --month 9

It has a map task over the sites, a dynamic task that fans out over the countries it finds, a sub-workflow and a
condition.
"""

import csv
import json
import random
from pathlib import Path
from typing import NamedTuple, TypeVar

from flytekit import conditional, current_context, dynamic, map_task, task, workflow
from flytekit.types.file import FlyteFile
from flytekitplugins.domino.artifact import DATA, REPORT, Artifact

Enrolment = Artifact("Enrolment Data", DATA)
Oversight = Artifact("Enrolment Oversight", REPORT)

Csv = FlyteFile[TypeVar("csv")]

SITES = {"101": "USA", "102": "USA", "103": "USA", "201": "DEU", "202": "DEU", "301": "JPN"}
PLAN_PER_MONTH = 19


@task
def list_sites(month: int) -> list[str]:
    """Sites that are open in this month of the trial."""
    return [site for index, site in enumerate(SITES) if index <= month]


@task
def count_site(site: str) -> Csv:
    """Screened and enrolled patients of one site, month by month."""
    draw = random.Random(site)
    pace = draw.uniform(2.0, 5.0)
    rows = []
    for month in range(1, 13):
        screened = max(0, round(draw.gauss(pace * 1.4, 1.3)))
        rows.append([site, SITES[site], month, screened, min(screened, max(0, round(draw.gauss(pace, 1.1))))])
    print(f"site {site}: {sum(row[4] for row in rows)} enrolled in 12 months")
    return write_rows(f"site_{site}.csv", ["site", "country", "month", "screened", "enrolled"], rows)


@task
def merge_sites(sites: list[Csv], month: int) -> Enrolment.File("enrolment_by_site.csv"):
    """Every site's rows up to the month."""
    rows = [row for file in sites for row in read_rows(file) if int(row["month"]) <= month]
    return write_rows("enrolment.csv", list(rows[0]), [list(row.values()) for row in rows])


@task
def sum_country(country: str, by_site: Csv) -> dict[str, int]:
    """Totals of one country."""
    rows = [row for row in read_rows(by_site) if row["country"] == country]
    return {name: sum(int(row[name]) for row in rows) for name in ("screened", "enrolled")}


@task
def write_countries(countries: list[str], totals: list[dict[str, int]]) -> Csv:
    rows = [[country, total["screened"], total["enrolled"]] for country, total in zip(countries, totals, strict=True)]
    return write_rows("countries.csv", ["country", "screened", "enrolled"], rows)


@dynamic
def sum_countries(by_site: Csv) -> Enrolment.File("enrolment_by_country.csv"):
    """One task per country in the data, which is known only when it is read."""
    countries = sorted({row["country"] for row in read_rows(by_site)})
    totals = [sum_country(country=country, by_site=by_site) for country in countries]
    return write_countries(countries=countries, totals=totals)


@task
def find_queries(by_site: Csv) -> Oversight.File("queries.csv"):
    """Months in which a site enrolled less than half of those whom it screened."""
    rows = [row for row in read_rows(by_site) if 2 * int(row["enrolled"]) < int(row["screened"])]
    return write_rows(
        "queries.csv", ["site", "month", "screened"], [[r["site"], r["month"], r["screened"]] for r in rows]
    )


@task
def screen_failures(by_site: Csv) -> Oversight.File("screen_failure_rate.json"):
    rows = read_rows(by_site)
    rates = {}
    for site in sorted({row["site"] for row in rows}):
        screened = sum(int(row["screened"]) for row in rows if row["site"] == site)
        enrolled = sum(int(row["enrolled"]) for row in rows if row["site"] == site)
        rates[site] = round(1 - enrolled / screened, 3) if screened else None
    path = new_file("rates.json")
    path.write_text(json.dumps(rates, indent=2))
    return FlyteFile(str(path))


class Checks(NamedTuple):
    queries: Csv
    rates: FlyteFile[TypeVar("json")]


@workflow
def check_quality(by_site: Csv) -> Checks:
    """What a monitor looks at first."""
    return Checks(find_queries(by_site=by_site), screen_failures(by_site=by_site))


@task
def months_behind(by_site: Csv, month: int) -> float:
    """Months that the trial lags behind its plan, below zero where it is ahead."""
    enrolled = sum(int(row["enrolled"]) for row in read_rows(by_site))
    return round(month - enrolled / PLAN_PER_MONTH, 2)


@task
def write_recovery_plan(behind: float) -> Oversight.File("enrolment_status.md"):
    return write_text("status.md", f"# Enrolment\n\n{behind:.1f} months behind the plan: open two more sites.\n")


@task
def write_all_clear(behind: float) -> Oversight.File("enrolment_status.md"):
    return write_text("status.md", f"# Enrolment\n\nOn plan ({-behind:.1f} months ahead).\n")


@workflow
def enrolment_overview(month: int = 9) -> tuple[Csv, FlyteFile]:
    """Enrolment up to a month of the trial."""
    sites = map_task(count_site)(site=list_sites(month=month))
    by_site = merge_sites(sites=sites, month=month)
    by_country = sum_countries(by_site=by_site)
    check_quality(by_site=by_site)
    behind = months_behind(by_site=by_site, month=month)
    status = (
        conditional("on_plan")
        .if_(behind > 0.5)
        .then(write_recovery_plan(behind=behind))
        .else_()
        .then(write_all_clear(behind=behind))
    )
    return by_country, status


def new_file(name: str) -> Path:
    """A path in the task's own folder."""
    folder = Path(current_context().working_directory)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def write_text(name: str, text: str) -> FlyteFile:
    path = new_file(name)
    path.write_text(text)
    return FlyteFile(str(path))


def write_rows(name: str, header: list[str], rows: list[list[object]]) -> FlyteFile:
    path = new_file(name)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return FlyteFile(str(path))


def read_rows(file: FlyteFile) -> list[dict[str, str]]:
    with open(file.download(), newline="") as lines:
        return list(csv.DictReader(lines))
