"""Analysis datasets: subject level (ADSL), adverse events (ADAE), vital signs (ADVS)."""

from __future__ import annotations

from datetime import date

import pandas as pd

LABELS = {
    "STUDYID": "Study Identifier",
    "USUBJID": "Unique Subject Identifier",
    "SUBJID": "Subject Identifier for the Study",
    "SITEID": "Study Site Identifier",
    "COUNTRY": "Country",
    "AGE": "Age",
    "AGEU": "Age Units",
    "AGEGR1": "Pooled Age Group 1",
    "AGEGR1N": "Pooled Age Group 1 (N)",
    "SEX": "Sex",
    "RACE": "Race",
    "ETHNIC": "Ethnicity",
    "TRT01P": "Planned Treatment for Period 01",
    "TRT01PN": "Planned Treatment for Period 01 (N)",
    "TRTA": "Actual Treatment",
    "TRTAN": "Actual Treatment (N)",
    "TRTSDT": "Date of First Exposure to Treatment",
    "TRTEDT": "Date of Last Exposure to Treatment",
    "TRTDURD": "Total Treatment Duration (Days)",
    "ITTFL": "Intent-To-Treat Population Flag",
    "SAFFL": "Safety Population Flag",
    "EOSSTT": "End of Study Status",
    "AESEQ": "Sequence Number",
    "AETERM": "Reported Term for the Adverse Event",
    "AEDECOD": "Dictionary-Derived Term",
    "AEBODSYS": "Body System or Organ Class",
    "AESEV": "Severity/Intensity",
    "AESER": "Serious Event",
    "AEREL": "Causality",
    "ASTDT": "Analysis Start Date",
    "AENDT": "Analysis End Date",
    "ASTDY": "Analysis Start Relative Day",
    "TRTEMFL": "Treatment Emergent Analysis Flag",
    "PARAM": "Parameter",
    "PARAMCD": "Parameter Code",
    "AVISIT": "Analysis Visit",
    "AVISITN": "Analysis Visit (N)",
    "ADT": "Analysis Date",
    "AVAL": "Analysis Value",
    "BASE": "Baseline Value",
    "CHG": "Change from Baseline",
    "ABLFL": "Baseline Record Flag",
}


def subject_level(dm: pd.DataFrame, cutoff: date) -> pd.DataFrame:
    """ADSL: subjects randomised up to the data cut-off.

    Raises:
        ValueError: there are none.
    """
    adsl = dm[dm["RFSTDTC"] <= cutoff.isoformat()].copy()
    if adsl.empty:
        raise ValueError(
            f"No subject was randomised by the data cut-off {cutoff}: the first one was on {min(dm.RFSTDTC)}."
        )
    start = pd.to_datetime(adsl["RFSTDTC"]).dt.date
    end = pd.to_datetime(adsl["RFENDTC"]).dt.date
    adsl["AGEGR1"] = ["<65" if age < 65 else ">=65" for age in adsl["AGE"]]
    adsl["AGEGR1N"] = [1.0 if age < 65 else 2.0 for age in adsl["AGE"]]
    adsl["TRT01P"] = adsl["ARM"]
    adsl["TRT01PN"] = [1.0 if arm == "PBO" else 2.0 for arm in adsl["ARMCD"]]
    adsl["TRTSDT"] = start
    adsl["TRTEDT"] = [min(last, cutoff) for last in end]
    adsl["TRTDURD"] = [
        float((last - first).days + 1) for first, last in zip(adsl["TRTSDT"], adsl["TRTEDT"], strict=True)
    ]
    adsl["ITTFL"] = "Y"
    adsl["SAFFL"] = "Y"
    adsl["EOSSTT"] = [
        "ONGOING" if last > cutoff else "DISCONTINUED" if (last - first).days < 105 else "COMPLETED"
        for first, last in zip(start, end, strict=True)
    ]
    columns = (
        "STUDYID USUBJID SUBJID SITEID COUNTRY AGE AGEU AGEGR1 AGEGR1N SEX RACE ETHNIC TRT01P TRT01PN TRTSDT TRTEDT"
    )
    return adsl[[*columns.split(), "TRTDURD", "ITTFL", "SAFFL", "EOSSTT"]].reset_index(drop=True)


def adverse_events(adsl: pd.DataFrame, ae: pd.DataFrame) -> pd.DataFrame:
    """ADAE: events of the subjects in ADSL, flagged where they began on treatment or within 7 days after it."""
    adae = ae.merge(_treatment(adsl), on="USUBJID")
    adae["ASTDT"] = pd.to_datetime(adae["AESTDTC"]).dt.date
    adae["AENDT"] = pd.to_datetime(adae["AEENDTC"]).dt.date
    days = [(onset - start).days for onset, start in zip(adae["ASTDT"], adae["TRTSDT"], strict=True)]
    after = [(onset - end).days for onset, end in zip(adae["ASTDT"], adae["TRTEDT"], strict=True)]
    adae["ASTDY"] = [float(day + (day >= 0)) for day in days]
    adae["TRTEMFL"] = ["Y" if day >= 0 and late <= 7 else "" for day, late in zip(days, after, strict=True)]
    columns = "STUDYID USUBJID TRTA TRTAN AESEQ AETERM AEDECOD AEBODSYS AESEV AESER AEREL ASTDT AENDT ASTDY TRTEMFL"
    return adae[columns.split()]


def vital_signs(adsl: pd.DataFrame, vs: pd.DataFrame) -> pd.DataFrame:
    """ADVS: values up to the end of treatment, with baseline and the change from it."""
    advs = vs.merge(_treatment(adsl), on="USUBJID")
    advs["ADT"] = pd.to_datetime(advs["VSDTC"]).dt.date
    advs = advs[advs["ADT"] <= advs["TRTEDT"]].copy()
    advs["PARAM"] = advs["VSTEST"] + " (" + advs["VSSTRESU"] + ")"
    advs["PARAMCD"] = advs["VSTESTCD"]
    advs["AVISIT"] = advs["VISIT"].str.title()
    advs["AVISITN"] = advs["VISITNUM"]
    advs["AVAL"] = advs["VSSTRESN"]
    advs["ABLFL"] = advs["VSBLFL"]
    baseline = advs[advs["ABLFL"] == "Y"][["USUBJID", "PARAMCD", "AVAL"]].rename(columns={"AVAL": "BASE"})
    advs = advs.merge(baseline, on=["USUBJID", "PARAMCD"], how="left")
    advs["CHG"] = (advs["AVAL"] - advs["BASE"]).round(1)
    columns = "STUDYID USUBJID TRTA TRTAN PARAM PARAMCD AVISIT AVISITN ADT AVAL BASE CHG ABLFL"
    return advs[columns.split()]


def _treatment(adsl: pd.DataFrame) -> pd.DataFrame:
    columns = {"TRT01P": "TRTA", "TRT01PN": "TRTAN"}
    return adsl[["USUBJID", *columns, "TRTSDT", "TRTEDT"]].rename(columns=columns)
