"""Study data tabulation: demographics, adverse events and vital signs of a made-up hypertension study.

Two arms, six visits. The same study and number of subjects always give the same data.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

import pandas as pd

ARMS = {"PBO": "Placebo", "CDX10": "CDX-301 10 mg"}
SITES = {"101": "USA", "102": "USA", "201": "DEU", "202": "DEU", "301": "JPN", "401": "ESP"}
VISITS = [
    (1, "BASELINE", 0),
    (2, "WEEK 2", 14),
    (3, "WEEK 4", 28),
    (4, "WEEK 8", 56),
    (5, "WEEK 12", 84),
    (6, "WEEK 16", 112),
]
TESTS = {
    # code: (test, unit, mean at baseline, standard deviation, effect of the active arm at the last visit)
    "SYSBP": ("Systolic Blood Pressure", "mmHg", 152.0, 11.0, -14.0),
    "DIABP": ("Diastolic Blood Pressure", "mmHg", 93.0, 7.0, -8.0),
    "PULSE": ("Pulse Rate", "beats/min", 74.0, 8.0, 1.5),
    "WEIGHT": ("Weight", "kg", 82.0, 14.0, -0.8),
}
EVENTS = [
    # preferred term, system organ class, chance on placebo, chance on the active arm
    ("Headache", "Nervous system disorders", 0.22, 0.17),
    ("Dizziness", "Nervous system disorders", 0.08, 0.24),
    ("Somnolence", "Nervous system disorders", 0.04, 0.07),
    ("Nausea", "Gastrointestinal disorders", 0.10, 0.16),
    ("Diarrhoea", "Gastrointestinal disorders", 0.09, 0.08),
    ("Constipation", "Gastrointestinal disorders", 0.05, 0.09),
    ("Oedema peripheral", "General disorders and administration site conditions", 0.03, 0.19),
    ("Fatigue", "General disorders and administration site conditions", 0.12, 0.14),
    ("Cough", "Respiratory, thoracic and mediastinal disorders", 0.07, 0.10),
    ("Nasopharyngitis", "Infections and infestations", 0.20, 0.18),
    ("Urinary tract infection", "Infections and infestations", 0.06, 0.05),
    ("Hypotension", "Vascular disorders", 0.01, 0.08),
]
LABELS = {
    "STUDYID": "Study Identifier",
    "DOMAIN": "Domain Abbreviation",
    "USUBJID": "Unique Subject Identifier",
    "SUBJID": "Subject Identifier for the Study",
    "RFSTDTC": "Subject Reference Start Date/Time",
    "RFENDTC": "Subject Reference End Date/Time",
    "SITEID": "Study Site Identifier",
    "AGE": "Age",
    "AGEU": "Age Units",
    "SEX": "Sex",
    "RACE": "Race",
    "ETHNIC": "Ethnicity",
    "ARMCD": "Planned Arm Code",
    "ARM": "Description of Planned Arm",
    "COUNTRY": "Country",
    "AESEQ": "Sequence Number",
    "AETERM": "Reported Term for the Adverse Event",
    "AEDECOD": "Dictionary-Derived Term",
    "AEBODSYS": "Body System or Organ Class",
    "AESEV": "Severity/Intensity",
    "AESER": "Serious Event",
    "AEREL": "Causality",
    "AEOUT": "Outcome of Adverse Event",
    "AESTDTC": "Start Date/Time of Adverse Event",
    "AEENDTC": "End Date/Time of Adverse Event",
    "VSSEQ": "Sequence Number",
    "VSTESTCD": "Vital Signs Test Short Name",
    "VSTEST": "Vital Signs Test Name",
    "VSORRES": "Result or Finding in Original Units",
    "VSORRESU": "Original Units",
    "VSSTRESN": "Numeric Result/Finding in Standard Units",
    "VSSTRESU": "Standard Units",
    "VSBLFL": "Baseline Flag",
    "VISITNUM": "Visit Number",
    "VISIT": "Visit Name",
    "VSDTC": "Date/Time of Measurements",
}


def demographics(study: str, subjects: int) -> pd.DataFrame:
    """DM: one row per subject, randomised 1:1 over eight months of 2024 and 2025."""
    draw = random.Random(f"{study}/dm/{subjects}")
    rows = []
    for number in range(1, subjects + 1):
        site = draw.choice(list(SITES))
        subject = f"{site}-{number:03d}"
        armcd = list(ARMS)[number % 2]
        start = date(2024, 9, 2) + timedelta(days=draw.randrange(240))
        early = draw.random() < 0.12
        end = start + timedelta(days=draw.randrange(15, 100) if early else 112 + draw.randrange(-3, 4))
        rows.append(
            {
                "STUDYID": study,
                "DOMAIN": "DM",
                "USUBJID": f"{study}-{subject}",
                "SUBJID": subject,
                "RFSTDTC": start.isoformat(),
                "RFENDTC": end.isoformat(),
                "SITEID": site,
                "AGE": float(min(85, max(21, round(draw.gauss(57, 11))))),
                "AGEU": "YEARS",
                "SEX": draw.choices("MF", (54, 46))[0],
                "RACE": "ASIAN"
                if SITES[site] == "JPN"
                else draw.choices(("WHITE", "BLACK OR AFRICAN AMERICAN", "ASIAN"), (70, 22, 8))[0],
                "ETHNIC": draw.choices(("NOT HISPANIC OR LATINO", "HISPANIC OR LATINO"), (85, 15))[0],
                "ARMCD": armcd,
                "ARM": ARMS[armcd],
                "COUNTRY": SITES[site],
            }
        )
    return pd.DataFrame(rows)


def adverse_events(dm: pd.DataFrame) -> pd.DataFrame:
    """AE: one row per event; a few begin before the first dose."""
    rows = []
    for subject in dm.to_dict("records"):
        draw = random.Random(f"{subject['USUBJID']}/ae")
        start, end = date.fromisoformat(subject["RFSTDTC"]), date.fromisoformat(subject["RFENDTC"])
        sequence = 0
        for term, body_system, on_placebo, on_active in EVENTS:
            if draw.random() >= (on_active if subject["ARMCD"] == "CDX10" else on_placebo):
                continue
            sequence += 1
            onset = start + timedelta(days=draw.randrange(-10, (end - start).days + 5))
            stop = onset + timedelta(days=draw.randrange(1, 25))
            severity = draw.choices(("MILD", "MODERATE", "SEVERE"), (62, 31, 7))[0]
            rows.append(
                {
                    "STUDYID": subject["STUDYID"],
                    "DOMAIN": "AE",
                    "USUBJID": subject["USUBJID"],
                    "AESEQ": float(sequence),
                    "AETERM": term.upper(),
                    "AEDECOD": term,
                    "AEBODSYS": body_system,
                    "AESEV": severity,
                    "AESER": "Y" if severity == "SEVERE" and draw.random() < 0.5 else "N",
                    "AEREL": draw.choices(("NOT RELATED", "POSSIBLY RELATED", "RELATED"), (50, 35, 15))[0],
                    "AEOUT": draw.choices(("RECOVERED/RESOLVED", "NOT RECOVERED/NOT RESOLVED"), (90, 10))[0],
                    "AESTDTC": onset.isoformat(),
                    "AEENDTC": stop.isoformat(),
                }
            )
    return pd.DataFrame(rows)


def vital_signs(dm: pd.DataFrame) -> pd.DataFrame:
    """VS: four tests at up to six visits."""
    rows = []
    for subject in dm.to_dict("records"):
        draw = random.Random(f"{subject['USUBJID']}/vs")
        start, end = date.fromisoformat(subject["RFSTDTC"]), date.fromisoformat(subject["RFENDTC"])
        levels = {code: draw.gauss(mean, deviation) for code, (_, _, mean, deviation, _) in TESTS.items()}
        sequence = 0
        for number, visit, day in VISITS:
            seen = start + timedelta(days=day + (draw.randrange(-2, 3) if day else 0))
            if seen > end + timedelta(days=3):
                break
            for code, (test, unit, _, deviation, effect) in TESTS.items():
                sequence += 1
                response = effect * min(1.0, day / 84) if subject["ARMCD"] == "CDX10" else effect * 0.25 * (day > 0)
                value = round(levels[code] + response + draw.gauss(0, deviation * 0.3), 1 if code == "WEIGHT" else 0)
                rows.append(
                    {
                        "STUDYID": subject["STUDYID"],
                        "DOMAIN": "VS",
                        "USUBJID": subject["USUBJID"],
                        "VSSEQ": float(sequence),
                        "VSTESTCD": code,
                        "VSTEST": test,
                        "VSORRES": f"{value:g}",
                        "VSORRESU": unit,
                        "VSSTRESN": value,
                        "VSSTRESU": unit,
                        "VSBLFL": "Y" if day == 0 else "",
                        "VISITNUM": float(number),
                        "VISIT": visit,
                        "VSDTC": seen.isoformat(),
                    }
                )
    return pd.DataFrame(rows)
