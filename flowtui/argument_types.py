"""What a value on the command line may be: each function gives the value, or says what is off."""

from __future__ import annotations

import argparse


def positive(text: str) -> int:
    """A whole number from 1 on.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


def not_negative(text: str) -> float:
    """A finite number from 0 on.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return number


def names(text: str) -> tuple[str, ...]:
    """Names parted by commas; one that holds a comma stands in double quotes, as in CSV.

    Raises:
        argparse.ArgumentTypeError: there is none, or an empty one.
    """
    import csv

    try:
        found = tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), ()))
    except csv.Error:
        found = ()
    if not found or not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of names such as A,B")
    return found


def port(text: str) -> int:
    """A TCP port, 0 for any free one.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def delimiter(text: str) -> str:
    """What parts the fields of a line: 1 to 10 characters; ``tab`` and ``\\t`` are one.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    found = "\t" if text.lower() in ("tab", "\\t") else text
    if not 0 < len(found) <= 10 or any(char in found for char in "\r\n\"'"):
        raise argparse.ArgumentTypeError(f"{text!r} is no delimiter: 1 to 10 characters, no quotation mark among them")
    return found


def quotation_mark(text: str) -> str:
    """One character, or nothing where there are no quotation marks.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if len(text) > 1 or text in ("\r", "\n", " "):
        raise argparse.ArgumentTypeError(f"{text!r} is no quotation mark: one character, or '' for none")
    return text


def line_count(text: str) -> int:
    """A whole number from 0 on.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)
