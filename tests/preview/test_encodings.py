from __future__ import annotations

import subprocess
import sys

import pytest

from flowtui.preview.sniff import encoding_of
from tests.preview.look import look

JAPANESE = "被験者の年齢と性別、治療群を示す。\n"
CHINESE = "受试者的年龄和性别，治疗组。\n"  # noqa: RUF001
GERMAN = "Grüße aus Köln, 5 µm ± 2 °C, „Größe“\n"
FRENCH = "L'étude a coûté 10 € au cœur du projet\n"
RUSSIAN = "Испытуемые получали лечение в течение недели.\n"


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        (JAPANESE, "shift_jis", "Shift-JIS"),
        (JAPANESE, "euc_jp", "EUC-JP"),
        (CHINESE, "gb18030", "GB 18030"),
        ("受試者的年齡和性別，治療組。\n", "big5", "Big5"),  # noqa: RUF001
        ("피험자의 나이와 성별, 치료군을 나타낸다.\n", "euc_kr", "EUC-KR"),
        (RUSSIAN, "cp1251", "Windows-1251"),
        (RUSSIAN, "koi8_r", "KOI8-R"),
        ("テスト用のデータ、グループA\n", "shift_jis", "Shift-JIS"),
        ("It’s “quoted” – twice…\n", "cp1252", "Windows-1252"),  # noqa: RUF001
        (GERMAN, "cp1252", "Windows-1252"),
        (FRENCH, "cp1252", "Windows-1252"),
        (FRENCH, "iso8859_15", "Latin-9"),
        ("Müller, Größe\n", "latin-1", "Windows-1252"),
        ("hello world\n", "utf-16-le", "UTF-16"),
        ("hello world\n", "utf-16-be", "UTF-16"),
    ],
)
async def test_text_that_is_not_utf_8(text: str, encoding: str, named: str) -> None:
    for content in ((text * 20).encode(encoding), b"" if "utf" in encoding else text.encode(encoding)):
        if content:
            found = await look(content, "x.txt")
            assert found.lines[0] == text.strip()
            assert found.notices == (f"not UTF-8: read as {named}",)


async def test_a_table_with_few_letters_beyond_ascii() -> None:
    rows = "".join(f"{n},田中,placebo\n" for n in range(500))
    found = await look(("id,name,arm\n" + rows).encode("shift_jis"), "x.csv")
    assert found.rows[0] == ("0", "田中", "placebo")
    rows = "".join(f"{n},Müller,placebo\n" for n in range(500))
    found = await look(("id,name,arm\n" + rows).encode("cp1252"), "x.csv")
    assert found.rows[0] == ("0", "Müller", "placebo")


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-32"])
async def test_a_byte_order_mark_is_proof(mark: str) -> None:
    found = await look((JAPANESE * 3).encode(mark), "x.txt")
    assert (found.lines[0], found.notices) == (JAPANESE.strip(), ())


async def test_a_character_that_the_head_cuts_is_no_other_encoding() -> None:
    content = (JAPANESE * 5000).encode("shift_jis")
    for cut in range(65_530, 65_540):
        assert encoding_of(content[:cut]) == ("cp932", True)
    assert encoding_of((JAPANESE * 5000).encode()[:65_537]) == ("utf-8", False)


async def test_line_ends_may_be_mixed() -> None:
    found = await look(b"dos\r\nunix\nmac\rlast\r\n\r\n", "x.log")
    assert found.lines == ("dos", "unix", "mac", "last", "")


def test_the_detector_is_loaded_where_utf_8_fails_only() -> None:
    program = (
        "import sys; from flowtui.preview.sniff import encoding_of;"
        "encoding_of('Grüße'.encode()); encoding_of('Grüße'.encode('cp1252'));"
        "assert 'charset_normalizer' not in sys.modules; encoding_of('受试者的年龄'.encode('gb18030'));"
        "assert 'charset_normalizer' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
